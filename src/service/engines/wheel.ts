/**
 * @file Which Python wheel holds OpenVINO's libraries for a machine, and which of its files limn needs. Names of wheels:
 * PEP 427 and 425; platforms: PEP 600 (manylinux).
 */
import { compareVersions } from "../../runtime/index.ts";

/** A wheel's name, taken apart. */
export interface WheelName {
  readonly project: string;
  readonly version: string;
  readonly platforms: readonly string[];
}

/** What decides whether libraries run. */
export interface Machine {
  /** As Node.js calls them: linux, darwin, win32; x64, arm64. */
  readonly platform: string;
  readonly arch: string;
  /** Version of the GNU C library, null where there is another one. */
  readonly glibc: string | null;
}

/** The machine this runs on. */
export function thisMachine(): Machine {
  const { platform, arch } = process;
  const { header } = process.report.getReport() as {
    header: { readonly glibcVersionRuntime?: string };
  };
  return { platform, arch, glibc: header.glibcVersionRuntime ?? null };
}

/** Reads a wheel's file name; null for what is none. */
export function parseWheelName(file: string): WheelName | null {
  const found = /^([\w.]+)-([\w.+!]+)(?:-\d\w*)?-[\w.]+-[\w.]+-([\w.]+)\.whl$/.exec(file);
  if (!found) return null;
  const [, project, version, platforms] = found;
  return { project, version, platforms: platforms.split(".") };
}

/** Whether a wheel's native libraries run on a machine. The Python it was made for does not matter to them. */
export function fits({ platforms }: WheelName, machine: Machine): boolean {
  return platforms.some((platform) => fitsPlatform(platform, machine));
}

const archNames: Readonly<Record<string, readonly string[]>> = {
  x64: ["x86_64", "amd64"],
  arm64: ["aarch64", "arm64"],
};

function fitsPlatform(name: string, { platform, arch, glibc }: Machine): boolean {
  if (!(archNames[arch] ?? []).some((known) => name.endsWith(`_${known}`))) return false;
  if (platform === "win32") return name.startsWith("win_");
  if (platform === "darwin") return name.startsWith("macosx_");
  if (platform !== "linux" || glibc === null) return false;
  if (/^manylinux(1|2010|2014)_/.test(name)) return true; // older than any system that runs Node.js 20
  const needed = /^manylinux_(\d+)_(\d+)_/.exec(name);
  return needed !== null && compareVersions(`${needed[1]}.${needed[2]}`, glibc) <= 0;
}

/** Which processors are to be run on: the CPU alone, or Intel's GPUs and NPUs too. */
export type DeviceChoice = "cpu" | "all";

/** Without these there is no engine. On arm64 the plugin of the CPU has another name. */
const required = ["openvino", "openvino_c", "openvino_onnx_frontend", "*_cpu_plugin"] as const;
/** OpenVINO's own needs; some systems have them inside the others. */
const besides = ["openvino_ir_frontend", "tbb", "tbb12", "tbbmalloc", "tbbbind_2_5", "hwloc"];

/** "openvino" of `openvino/libs/libopenvino.so.2641`; null for what is no library that is loaded at run time. */
function libraryName(path: string): string | null {
  return (
    /^openvino\/libs\/(?:lib)?(\w+)(?:[\d.]*)\.(?:so|dll|dylib)(?:\.[\d.]+)?$/.exec(path)?.[1] ??
    null
  );
}

const isCpuPlugin = (name: string) => /^openvino_\w+_cpu_plugin$/.test(name);
const isOfDevices = (path: string, name: string | null) =>
  name === null ? path === "openvino/libs/cache.json" : /^openvino_intel_(gpu|npu)_/.test(name);

/** What of a wheel is unpacked. */
export interface WheelContents {
  /** Path in the wheel → path in limn's folder. */
  readonly files: ReadonlyMap<string, string>;
  /** Libraries that it should have and has not. */
  readonly missing: readonly string[];
}

/** The files of a wheel that limn needs: libraries, and the licences that go with them. */
export function neededFiles(paths: Iterable<string>, devices: DeviceChoice): WheelContents {
  const files = new Map<string, string>();
  const found = new Set<string>();
  for (const path of paths) {
    const name = libraryName(path);
    const licence = /^openvino-[^/]+\.dist-info\/(.*licen[cs].*)$/i.exec(path);
    const core = name !== null && (isCpuPlugin(name) || [...required, ...besides].includes(name));
    if (core || (devices === "all" && isOfDevices(path, name)))
      files.set(path, path.slice(path.lastIndexOf("/") + 1));
    if (name !== null) found.add(isCpuPlugin(name) ? "*_cpu_plugin" : name);
    if (licence) files.set(path, `licenses/${licence[1].replace(/^licenses\//, "")}`);
  }
  return { files, missing: required.filter((name) => !found.has(name)) };
}
