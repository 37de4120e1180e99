/**
 * @file Where OpenVINO's C library lies, and loading it: a folder named by LIMN_OPENVINO, limn's data folder, the package
 * openvino-node, the system's own places; the first of them that has the library counts.
 */
import { statSync } from "node:fs";
import { createRequire } from "node:module";
import { basename, dirname, join, resolve } from "node:path";
import { EngineError } from "../../base/index.ts";
import { dataFolder, filesIn } from "../folders.node.ts";
import { loadLibrary, refuseCutShort } from "../native-library.node.ts";
import { koffi, type Library } from "../native.node.ts";

/** What brings the library where it is missing. */
export const howToInstallOpenVino = "limn engines install openvino";
/** Older ones were never tried. */
export const oldestOpenVino = "2025.0";

/** Who put a library where it is. */
export type OpenVinoSource = "LIMN_OPENVINO" | "data folder" | "openvino-node" | "system";

/** A place that has the library. */
export interface OpenVinoPlace {
  readonly folder: string;
  /** The C library itself. */
  readonly file: string;
  readonly source: OpenVinoSource;
}

/** A library that was loaded and is new enough. */
export interface OpenVino extends OpenVinoPlace {
  readonly version: string;
  /** Its files in the folder: itself, what it needs, and what it loads later. */
  readonly parts: readonly string[];
}

const cLibrary = /^(lib)?openvino_c\.(so|dll|.*dylib)/;
/** What the C library needs and a loader may not look for beside it, in the order of their needs. */
const needed = [
  /^(lib)?hwloc\b/,
  /^(lib)?tbb(12)?\.(so|dll|.*dylib)/,
  /^(lib)?openvino\.(so|dll|.*dylib)/,
];

/** What the library loads when it computes. On arm64 the plugin of the CPU has another name. */
const laterNeeded = [
  /^(lib)?openvino_\w+_cpu_plugin\.(so|dll|.*dylib)/,
  /^(lib)?openvino_onnx_frontend\.(so|dll|.*dylib)/,
];

/** Throws EngineError where a file is gone that lay there when the library was loaded: it may be needed at any time. */
export function refuseGone({ version, folder, parts }: OpenVino, cause: unknown): void {
  const left = new Set(filesIn(folder));
  const gone = parts.filter((name) => !left.has(name));
  if (gone.length === 0) return;
  const what = gone.length === parts.length ? "" : `${gone.join(", ")} of `;
  throw new EngineError(`${what}OpenVINO ${version} was removed from ${folder} while in use`, {
    ...{ hint: howToInstallOpenVino, cause },
  });
}

/** Where limn's own copies lie, each version in a folder of its name. */
export const openVinoFolder = (): string => join(dataFolder(), "engines", "openvino");

/** The newest version's folder first. */
function dataFolders(): string[] {
  const root = openVinoFolder();
  return filesIn(root)
    .filter((name) => /^\d/.test(name))
    .sort((a, b) => compareVersions(b, a))
    .map((name) => join(root, name));
}

function packageFolders(): string[] {
  try {
    const main = createRequire(import.meta.url).resolve("openvino-node/package.json");
    return [join(dirname(main), "bin")];
  } catch {
    return [];
  }
}

function systemFolders(): string[] {
  const root = process.env["INTEL_OPENVINO_DIR"];
  const below = (folder: string) =>
    ["intel64", "aarch64", "arm64", ""].flatMap((name) => [
      join(folder, "runtime", "lib", name, "Release"),
      join(folder, "runtime", "lib", name),
      join(folder, "runtime", "bin", name, "Release"),
    ]);
  const own = root ? below(root) : [];
  if (process.platform === "win32") return own;
  const triplet = { x64: "x86_64-linux-gnu", arm64: "aarch64-linux-gnu" }[process.arch as string];
  const usual = ["/usr/local/lib", "/usr/lib64", "/usr/lib", "/opt/homebrew/lib"];
  return [
    ...own,
    ...below("/opt/intel/openvino"),
    ...(triplet ? [`/usr/lib/${triplet}`] : []),
    ...usual,
  ];
}

function placeIn(folder: string, source: OpenVinoSource): OpenVinoPlace | null {
  const name = filesIn(folder).find((file) => cLibrary.test(file));
  return name === undefined ? null : { folder, file: join(folder, name), source };
}

/** The place that LIMN_OPENVINO names: a folder, or the C library itself. */
function namedPlace(name: string): OpenVinoPlace {
  const path = resolve(name);
  const isFile = statSync(path, { throwIfNoEntry: false })?.isFile() ?? false;
  const source = "LIMN_OPENVINO";
  if (isFile) return { folder: dirname(path), file: path, source };
  const place =
    placeIn(path, source) ??
    placeIn(join(path, "libs"), source) ??
    placeIn(join(path, "openvino", "libs"), source);
  if (!place)
    throw new EngineError(`LIMN_OPENVINO is ${name}, where no OpenVINO C library lies`, {
      hint: "name the folder that holds libopenvino_c, or unset it",
    });
  return place;
}

/** Where the library lies, without loading it; null where it is nowhere. */
export function locateOpenVino(): OpenVinoPlace | null {
  const named = process.env["LIMN_OPENVINO"];
  if (named) return namedPlace(named);
  const places: readonly (readonly [OpenVinoSource, readonly string[]])[] = [
    ["data folder", dataFolders()],
    ["openvino-node", packageFolders()],
    ["system", systemFolders()],
  ];
  for (const [source, folders] of places)
    for (const folder of folders) {
      const place = placeIn(folder, source);
      if (place) return place;
    }
  return null;
}

/** Versions by their numbers: below 0 where `a` is older. */
export function compareVersions(a: string, b: string): number {
  const [left, right] = [a, b].map((version) => version.split(".").map((part) => parseInt(part)));
  for (let i = 0; i < Math.max(left.length, right.length); i++) {
    const difference = (left[i] ?? 0) - (right[i] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}

/** Collected, libraries would take their code with them; one loaded twice would be two. */
const loaded = new Map<string, { readonly library: Library; readonly found: OpenVino }>();
const dependencies: Library[] = [];

/** Loads the library at a place. Throws EngineError where it is broken, too old, or for another machine. */
export function loadOpenVino(place: OpenVinoPlace): { library: Library; found: OpenVino } {
  const known = loaded.get(place.file);
  if (known) return known;
  const parts = partsIn(place);
  const library = open(place, parts);
  const version = versionOf(library, place.file);
  refuseOld(version, place.folder);
  const result = { library, found: { ...place, version, parts } };
  loaded.set(place.file, result);
  return result;
}

/** Throws EngineError for a version that limn was not tried with, whose functions may be others. */
export function refuseOld(version: string, folder: string): void {
  if (compareVersions(version, oldestOpenVino) >= 0) return;
  throw new EngineError(
    `OpenVINO ${version} in ${folder} is too old: limn needs ${oldestOpenVino} or newer`,
    { hint: howToInstallOpenVino },
  );
}

/** The library's own files: the first that fits each pattern, for a system's folder may hold other versions. */
function partsIn({ folder, file }: OpenVinoPlace): readonly string[] {
  const names = filesIn(folder);
  const parts = [...needed, ...laterNeeded].flatMap(
    (pattern) => names.find((name) => pattern.test(name)) ?? [],
  );
  return [basename(file), ...parts];
}

function open({ folder, file }: OpenVinoPlace, parts: readonly string[]): Library {
  const { load } = koffi();
  for (const name of parts) refuseCutShort(join(folder, name), howToInstallOpenVino);
  for (const pattern of needed) {
    const name = parts.find((other) => pattern.test(other));
    if (name === undefined) continue;
    try {
      dependencies.push(load(join(folder, name)));
    } catch {
      // The library itself says better what it lacks.
    }
  }
  return loadLibrary(file, howToInstallOpenVino);
}

/** "2026.4.1" of "2026.4.1-22137-…". */
function versionOf(library: Library, file: string): string {
  const { address, decode } = koffi();
  try {
    const read = library.func("ov_get_openvino_version", "int", ["void *"]);
    const version = new BigUint64Array(2); // two pointers: build number and description
    if (read(address(version)) !== 0 || !version[0]) throw new Error("it names no version");
    const text = decode(version[0], "char", -1) as string;
    library.func("ov_version_free", "void", ["void *"])(address(version));
    return /^\d+(\.\d+)+/.exec(text)?.[0] ?? text;
  } catch (cause) {
    throw new EngineError(`${file} is not OpenVINO's C library`, { cause });
  }
}

/** The library that would be used, loaded and tried; null where there is none. Throws EngineError where it is of no use. */
export function findOpenVino(): OpenVino | null {
  const place = locateOpenVino();
  return place && loadOpenVino(place).found;
}
