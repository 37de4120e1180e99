/**
 * @file Where ONNX Runtime's library lies: in the package onnxruntime-node, or beside limn, where installing keeps it. On
 * some systems that package's own install script fetches more from outside the registry; where that fails, npm takes
 * the whole package away again, the library that was there all along included.
 */
import { copyFileSync, linkSync, mkdirSync, renameSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join, sep } from "node:path";
import { fileURLToPath } from "node:url";
import { EngineError } from "../../base/index.ts";
import { filesIn } from "../folders.node.ts";

/** What brings the library where it is missing. */
export const howToInstall = "npm i onnxruntime-node --onnxruntime-node-install=skip";
/** What helps where the library is there and of no use. */
export const howToMend = "install onnxruntime-node anew";
const packageFolder = fileURLToPath(new URL("../../..", import.meta.url));
const keptFolder = join(packageFolder, "engine");

/** The folder of onnxruntime-node that holds this platform's libraries; null where the package is missing. */
function installedFolder(): string | null {
  try {
    const main = createRequire(import.meta.url).resolve("onnxruntime-node");
    return join(dirname(main), "..", "bin", "napi-v6", process.platform, process.arch);
  } catch {
    return null;
  }
}

/** The library's path. Throws EngineError where there is none. */
export function libraryPath(folders = [installedFolder(), keptFolder]): string {
  for (const folder of folders) {
    const file = folder === null ? undefined : libraryIn(folder);
    if (folder !== null && file !== undefined) return join(folder, file);
  }
  const { platform, arch } = process;
  if (folders[0] === null)
    throw new EngineError("ONNX Runtime is not installed", { hint: howToInstall });
  throw new EngineError(`onnxruntime-node has no library for ${platform} on ${arch}`);
}

const libraryIn = (folder: string) =>
  filesIn(folder).find((name) => /^(lib)?onnxruntime\.(so|dll|.*dylib)/.test(name));

/** Links the libraries into limn's own folder: run by `npm install`, before other packages' last scripts. */
export function keepLibrary(from = installedFolder(), to = keptFolder): void {
  // In a clone package.json itself keeps that script from running.
  if (from === null || !to.split(sep).includes("node_modules")) return;
  const libraries = filesIn(from).filter((name) => !name.endsWith(".node"));
  if (libraries.length === 0) return;
  mkdirSync(to, { recursive: true });
  for (const name of libraries) place(join(from, name), join(to, name));
  // Some systems have the version in the name: what an older one left would be found first.
  for (const name of filesIn(to)) if (!libraries.includes(name)) rmSync(join(to, name));
}

/** Puts a library in the place of an older one, which may be in use. */
function place(from: string, to: string): void {
  const fresh = join(dirname(to), ".new");
  rmSync(fresh, { force: true });
  try {
    linkSync(from, fresh);
  } catch {
    copyFileSync(from, fresh); // file systems without hard links
  }
  renameSync(fresh, to);
  // Two names of one file are not renamed to each other: both stay.
  rmSync(fresh, { force: true });
}
