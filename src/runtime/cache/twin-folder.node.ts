/**
 * @file The folder of what is made of weight files, once, to be mapped from then on: f32 twins, and copies from other file
 * systems. A file that changed takes its older twin's place, and all together are bounded.
 */
import { createHash } from "node:crypto";
import { mkdir, readdir, readFile, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { identityOf, isTorn, writeFileAtomic } from "../../formats/index.ts";
import { excess, patience, quietly, removeAbandoned, renew, type Kept } from "./room.node.ts";
import { cacheFolder } from "../folders.node.ts";

/** Bytes of all twins: more than twice those of the largest model that limn knows, SDXL, so that none evicts its own. */
const limit = 32e9;
/** Names that OpenVINO reads a model by; see openvino/weights.node.ts. */
const reading = /^reading-[0-9a-f-]{36}\.(onnx|data)$/;

/** Where twins lie. */
export const twinFolder = (): string => join(cacheFolder(), "f32");

/**
 * The path of what is made of a weight file, which `make` writes, whole or not at all, where it is not there yet or somebody wrote
 * into it since. Its name tells the file's place, then its size, time and inode: the same beginning means another version of the same
 * file.
 */
export async function twinOf(
  file: string,
  end: "safetensors" | "copy",
  make: (path: string) => Promise<void>,
): Promise<string> {
  const source = await identityOf(file);
  const [place, version] = [hashOf(source.path), hashOf(source.version)];
  const folder = twinFolder();
  const path = join(folder, `${place}-${version}.${end}`);
  const exists = await isUntouched(path);
  if (!exists) {
    await mkdir(folder, { recursive: true });
    await quietly(() => removeVersions(folder, place, version));
    await make(path);
  }
  // A time of its own: that of the twin tells versions apart, for models that were compiled from it.
  await (exists ? quietly(() => renew(usedName(path))) : mark(path));
  await quietly(() => removeUnfinished(folder));
  if (!exists) await quietly(() => bound(folder, path));
  return path;
}

/** Removes what killed processes left in the folder. */
export function removeUnfinished(folder: string): Promise<void> {
  return removeAbandoned(folder, (name) => reading.test(name) || isTorn(name));
}

const hashOf = (text: string) => createHash("sha256").update(text).digest("hex").slice(0, 32);

/** Whether it is as it was made, by its size and time, which hardly anything that writes into a file leaves as they were. */
async function isUntouched(path: string): Promise<boolean> {
  try {
    return (await readFile(usedName(path), "utf8")) === (await looksOf(path));
  } catch {
    return false;
  }
}

async function mark(path: string): Promise<void> {
  await writeFileAtomic(usedName(path), new TextEncoder().encode(await looksOf(path)));
}

/** Not its inode: a cache may be moved. */
async function looksOf(path: string): Promise<string> {
  const { size, mtimeMs } = await stat(path);
  return `${size} ${mtimeMs}`;
}

/** Its time is that of the last use, its text the size and time that it was made with. */
const usedName = (path: string) => `${path}.used`;

/** Another process may be making the same version just now. */
async function removeVersions(folder: string, place: string, but: string): Promise<void> {
  for (const name of await readdir(folder))
    if (name.startsWith(`${place}-`) && !name.startsWith(`${place}-${but}`))
      await rm(join(folder, name), { force: true });
}

/** Removes the longest unused until the rest fits; what was used within the hour may be at work. */
async function bound(folder: string, fresh: string): Promise<void> {
  const kept: Kept[] = [];
  for (const name of await readdir(folder)) {
    if (!/^[0-9a-f-]+\.(safetensors|copy)$/.test(name)) continue;
    const path = join(folder, name);
    const { size: bytes, mtimeMs } = await stat(path);
    const used = await stat(usedName(path)).then(
      (mark) => mark.mtimeMs,
      () => mtimeMs,
    );
    kept.push({ path, bytes, used });
  }
  const { mtimeMs: now } = await stat(usedName(fresh));
  for (const { path, used } of excess(kept, { limit, fresh })) {
    if (now - used < patience) continue;
    await rm(path, { force: true });
    await rm(usedName(path), { force: true });
  }
}
