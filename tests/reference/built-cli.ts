/** @file The built command, run as a user runs it: a process with its own folder. */
import { execFileSync, spawn, type ChildProcessWithoutNullStreams } from "node:child_process";
import {
  cpSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { beforeEach, onTestFinished, vi } from "vitest";

const root = resolve(import.meta.dirname, "../..");
const ownEntry = join(root, "dist/cli/main.js");

/** Builds dist/ unless it is newer than every source file that it is made of. */
export function buildIfStale(): void {
  const sources = readdirSync(join(root, "src"), { recursive: true, encoding: "utf8" }).filter(
    (file) => !/\.(test|cases)\.ts$/.test(file),
  );
  const newest = Math.max(...sources.map((file) => statSync(join(root, "src", file)).mtimeMs));
  // The compiler leaves files alone that would not change; its own record tells when it last looked.
  const record = join(root, "dist/.tsbuildinfo");
  if (existsSync(record) && existsSync(ownEntry) && statSync(record).mtimeMs >= newest) return;
  const tsc = join(root, "node_modules/typescript/bin/tsc");
  execFileSync(process.execPath, [tsc, "-p", "tsconfig.build.json"], { cwd: root, stdio: "pipe" });
  const now = new Date();
  utimesSync(record, now, now);
}

/** The result of a finished run. */
export interface Finished {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Hides engines and settings that this machine's user has: each test begins as on a machine that has only the package. */
export function beginWithoutOwnEngines(): void {
  beforeEach(() => {
    vi.stubEnv("LIMN_DATA", freshFolder());
    for (const name of ["LIMN_OPENVINO", "INTEL_OPENVINO_DIR"]) vi.stubEnv(name, "");
    onTestFinished(() => void vi.unstubAllEnvs());
  });
}

/** A folder of its own for one test, gone with it; its name is what shells and ASCII dislike. */
export function freshFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "limn test приём "));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** Path of a golden model. */
export function goldenModel(name: string): string {
  return join(root, "tests/goldens/models", name);
}

/** A copy of the package in a folder, with the packages that it needs but for some. */
export function copyOfPackage(folder: string, without: readonly string[]): { entry: string } {
  const modules = join(folder, "node_modules");
  const copy = join(modules, "limn");
  cpSync(join(root, "dist"), join(copy, "dist"), { recursive: true });
  cpSync(join(root, "package.json"), join(copy, "package.json"));
  for (const name of readdirSync(join(root, "node_modules")))
    if (!without.includes(name) && !name.startsWith("."))
      symlinkSync(join(root, "node_modules", name), join(modules, name), "junction");
  return { entry: join(copy, "dist/cli/main.js") };
}

/** Starts `limn` in a folder. */
export function start(
  folder: string,
  words: readonly string[],
  { entry } = { entry: ownEntry },
): ChildProcessWithoutNullStreams {
  return spawn(process.execPath, [entry, ...words], {
    cwd: folder,
    env: { ...process.env, NO_COLOR: "1" },
  });
}

/** Waits for the end of a run. */
export function finish(child: ChildProcessWithoutNullStreams): Promise<Finished> {
  const texts = { stdout: "", stderr: "" };
  for (const name of ["stdout", "stderr"] as const)
    child[name].setEncoding("utf8").on("data", (text: string) => (texts[name] += text));
  return new Promise((done, fail) => {
    child.once("error", fail);
    child.once("close", (code, signal) => done({ code, signal, ...texts }));
  });
}

/** Runs `limn` in a folder to its end. */
export function limn(folder: string, ...words: string[]): Promise<Finished> {
  return finish(start(folder, words));
}
