/**
 * @file The needed part of a wheel, unpacked: each file is held to the hash in the wheel's own RECORD (PEP 376, 427), and what
 * was unpacked is written down in a manifest beside it.
 */
import { createHash } from "node:crypto";
import { mkdir, writeFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { FormatError } from "../../base/index.ts";
import { openZip, type ZipArchive } from "../../formats/index.ts";
import type { Manifest, ManifestFile } from "./installed.ts";
import { manifestName } from "./installed.ts";
import { neededFiles, type DeviceChoice } from "./wheel.ts";

/** The record of a wheel with thousands of files has some hundred kilobytes. */
const mostRecord = 2 ** 24;
/** The largest library so far has 100 MB unpacked. */
const mostFile = 2 ** 30;

/** A wheel and how it came. */
export interface Wheel {
  readonly path: string;
  readonly version: string;
  readonly sha256: string;
  /** Host of the index, or "pip". */
  readonly from: string;
}

/** Who watches and who may stop unpacking. */
export interface UnpackWheel {
  readonly devices: DeviceChoice;
  readonly signal: AbortSignal;
  readonly onBytes: (done: number, total: number) => void;
}

/** Unpacks into a folder that exists and is empty. */
export async function unpackWheel(
  wheel: Wheel,
  folder: string,
  { devices, signal, onBytes }: UnpackWheel,
): Promise<Manifest> {
  using zip = await openZip(wheel.path);
  const { files, missing } = neededFiles(zip.entries.keys(), devices);
  const name = basename(wheel.path);
  if (missing.length > 0)
    throw new FormatError(
      `${name} has no ${missing.join(", ")}: it is no wheel of OpenVINO that limn can use`,
    );
  const record = await readRecord(zip, name);
  const total = [...files.keys()].reduce(
    (sum, path) => sum + (zip.entries.get(path)?.bytes ?? 0),
    0,
  );
  let done = 0;
  const unpacked: ManifestFile[] = [];
  for (const [path, target] of files) {
    signal.throwIfAborted();
    const promised = record.get(path);
    if (promised === undefined) throw new FormatError(`${name} does not vouch for ${path}`);
    if ((zip.entries.get(path)?.bytes ?? 0) > mostFile)
      throw new FormatError(`${path} in ${name} is too large`);
    const place = join(folder, ...target.split("/"));
    await mkdir(dirname(place), { recursive: true });
    const hash = createHash("sha256");
    let bytes = 0;
    await zip.unpack(path, place, {
      signal,
      onBytes(piece) {
        hash.update(piece);
        bytes += piece.length;
        done += piece.length;
        onBytes(done, total);
      },
    });
    const digest = hash.digest();
    if (digest.toString("base64url") !== promised)
      throw new FormatError(`${path} in ${name} is not the file that the wheel vouches for`);
    unpacked.push({ path: target, bytes, sha256: digest.toString("hex") });
  }
  const { version, sha256, from } = wheel;
  const manifest: Manifest = { version, devices, wheel: { name, sha256, from }, files: unpacked };
  await writeFile(join(folder, manifestName), `${JSON.stringify(manifest, null, 1)}\n`, {
    flag: "wx",
    flush: true,
  });
  return manifest;
}

/** Hashes of a wheel's files, base64 for addresses without padding, by path. */
async function readRecord(zip: ZipArchive, name: string): Promise<ReadonlyMap<string, string>> {
  const path = [...zip.entries.keys()].find((key) => /^[^/]+\.dist-info\/RECORD$/.test(key));
  if (path === undefined) throw new FormatError(`${name} has no RECORD: it is no wheel`);
  const text = new TextDecoder().decode(await zip.read(path, mostRecord));
  const rows = text.split(/\r?\n/).map((line) => /^"?([^"]+?)"?,sha256=([\w-]+)=*,\d*$/.exec(line));
  return new Map(rows.flatMap((row) => (row ? [[row[1], row[2]] as const] : [])));
}
