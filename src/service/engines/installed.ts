/** @file Engines in limn's data folder: a folder for each version, with a manifest of what is in it. */
import { randomUUID } from "node:crypto";
import { mkdir, readdir, readFile, rename, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { isAlive } from "../../formats/index.ts";
import { compareVersions, openVinoFolder } from "../../runtime/index.ts";
import type { DeviceChoice } from "./wheel.ts";

/** A file that was unpacked. */
export interface ManifestFile {
  /** Within the version's folder, between slashes. */
  readonly path: string;
  readonly bytes: number;
  readonly sha256: string;
}

/** What an installed version is made of, and where it came from. */
export interface Manifest {
  readonly version: string;
  readonly devices: DeviceChoice;
  readonly wheel: { readonly name: string; readonly sha256: string; readonly from: string };
  readonly files: readonly ManifestFile[];
}

/** A version in the data folder. */
export interface Installed {
  readonly folder: string;
  readonly manifest: Manifest;
  /** Bytes of its files together. */
  readonly bytes: number;
}

/** Name of the manifest in a version's folder. */
export const manifestName = "manifest.json";

/** Versions whose files are all there, the newest first. */
export async function installedVersions(root = openVinoFolder()): Promise<Installed[]> {
  const names = await readdir(root).catch(() => []);
  const versions = names.filter((name) => /^\d/.test(name)).sort((a, b) => compareVersions(b, a));
  const found = await Promise.all(versions.map((name) => readInstalled(join(root, name))));
  return found.filter((each) => each !== null);
}

/** A version's manifest; null where there is none or a file is missing or of another size. */
export async function readInstalled(folder: string): Promise<Installed | null> {
  try {
    const manifest = JSON.parse(await readFile(join(folder, manifestName), "utf8")) as Manifest;
    let bytes = 0;
    for (const file of manifest.files) {
      const { size } = await stat(join(folder, ...file.path.split("/")));
      if (size !== file.bytes) return null;
      bytes += size;
    }
    return { folder, manifest, bytes };
  } catch {
    return null; // torn, or by somebody else's hand: whatever it is, it is not whole
  }
}

/** A folder for work in progress beside the versions, its maker's process in its name; gone when disposed. */
export async function workFolder(
  root = openVinoFolder(),
): Promise<{ path: string } & AsyncDisposable> {
  await mkdir(root, { recursive: true });
  await removeAbandoned(root);
  const path = join(root, `.work-${process.pid}-${randomUUID()}`);
  await mkdir(path);
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
}

/** Puts a finished folder in a version's place; what was there before goes, unless it is the same, whole. */
export async function publish(folder: string, target: string, aside: string): Promise<void> {
  try {
    await rename(folder, target);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== "ENOTEMPTY" && code !== "EEXIST" && code !== "EPERM") throw error;
    // Another process may have been faster, and its libraries may be in use by now.
    const [ours, theirs] = [await readInstalled(folder), await readInstalled(target)];
    if (ours && theirs && isDeepStrictEqual(ours.manifest, theirs.manifest)) return;
    await rename(target, aside);
    await rename(folder, target);
  }
}

/** Removes the work of processes that are no more. */
async function removeAbandoned(root: string): Promise<void> {
  for (const name of await readdir(root)) {
    const [, id] = /^\.work-(\d+)-/.exec(name) ?? [];
    if (id !== undefined && !isAlive(Number(id)))
      await rm(join(root, name), { recursive: true, force: true });
  }
}
