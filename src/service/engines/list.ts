/** @file Which engines this machine has, what each can, and which of them draws when none is named. */
import { arch, availableParallelism, cpus, platform } from "node:os";
import { dirname } from "node:path";
import { LimnError } from "../../base/index.ts";
import {
  cpuFeatures,
  findOpenVino,
  openVinoDevices,
  openVinoEngine,
  ortEngine,
  ortLibraryPath,
  wasmEngine,
  type OpenVinoDevice,
  type Precision,
} from "../../runtime/index.ts";
import { engineOrder, hasFastHalves, type EngineName } from "./choose.ts";

/** One engine: ready, nowhere, or there and of no use. */
export interface EngineFacts {
  readonly name: EngineName;
  readonly state: "ready" | "missing" | "broken";
  readonly version: string | null;
  /** Who put it there: a package, limn's data folder, the system, a variable. */
  readonly source: string | null;
  readonly folder: string | null;
  readonly precisions: readonly Precision[];
  readonly devices: readonly OpenVinoDevice[];
  /** What is wrong, and what to do about it. */
  readonly problem: string | null;
  readonly hint: string | null;
}

/** All that decides how fast limn draws here. */
export interface EnginesReport {
  readonly machine: {
    readonly system: string;
    readonly processor: string;
    readonly threads: number;
    /** null where the system does not tell. */
    readonly features: readonly string[] | null;
  };
  readonly engines: readonly EngineFacts[];
  /** What `auto` takes; null where nothing works. */
  readonly auto: {
    readonly engine: EngineName;
    readonly precision: string;
    readonly why: string;
  } | null;
}

/** Looks at every engine; never throws. */
export async function listEngines(): Promise<EnginesReport> {
  const engines = [await openVino(), await ort(), await wasm()];
  return {
    machine: {
      system: `${platform()} ${arch()}`,
      processor: cpus()[0]?.model.trim() ?? "unknown",
      threads: availableParallelism(),
      features: cpuFeatures() ?? capabilitiesOf(engines[0]),
    },
    engines,
    auto: automatic(engines),
  };
}

/** Where the system does not tell what its processor has, OpenVINO does. */
function capabilitiesOf({ devices }: EngineFacts): readonly string[] | null {
  return (
    devices.find(({ name }) => name === "CPU")?.capabilities.map((word) => word.toLowerCase()) ??
    null
  );
}

const nothing = {
  ...{ version: null, source: null, folder: null, problem: null, hint: null },
  ...{ precisions: [], devices: [] },
} as const;

function failed(name: EngineName, state: "missing" | "broken", error: unknown): EngineFacts {
  const problem = error instanceof Error ? error.message : String(error);
  const hint = error instanceof LimnError ? (error.hint ?? null) : null;
  return { ...nothing, name, state, problem, hint };
}

async function openVino(): Promise<EngineFacts> {
  const name = "openvino";
  try {
    const found = findOpenVino();
    const { version, precisions } = await openVinoEngine().catch((error: unknown) => {
      throw found === null ? new Missing(error) : error;
    });
    const { source = null, folder = null } = found ?? {};
    const devices = openVinoDevices();
    return { ...nothing, name, state: "ready", version, source, folder, precisions, devices };
  } catch (error) {
    return error instanceof Missing
      ? failed(name, "missing", error.cause)
      : failed(name, "broken", error);
  }
}

/** An engine that is nowhere; its own words are the cause. */
class Missing extends Error {
  constructor(cause: unknown) {
    super("missing", { cause });
  }
}

async function ort(): Promise<EngineFacts> {
  try {
    const { version, precisions } = await ortEngine();
    const own = { source: "onnxruntime-node", folder: dirname(ortLibraryPath()) };
    return { ...nothing, ...own, name: "ort", state: "ready", version, precisions };
  } catch (error) {
    return failed("ort", isThere(ortLibraryPath) ? "broken" : "missing", error);
  }
}

function isThere(find: () => unknown): boolean {
  try {
    find();
    return true;
  } catch {
    return false;
  }
}

async function wasm(): Promise<EngineFacts> {
  try {
    const { version, precisions } = await wasmEngine();
    return {
      ...nothing,
      name: "wasm",
      state: "ready",
      version,
      precisions,
      source: "onnxruntime-web",
    };
  } catch (error) {
    return failed("wasm", "missing", error);
  }
}

function automatic(engines: readonly EngineFacts[]): EnginesReport["auto"] {
  const best = engineOrder
    .map((name) => engines.find((engine) => engine.name === name && engine.state === "ready"))
    .find((engine) => engine !== undefined);
  if (!best) return null;
  const narrow = best.precisions.includes("bf16") && hasFastHalves();
  const reasons: Readonly<Record<EngineName, string>> = {
    openvino: "the fastest engine for processors",
    ort: "OpenVINO, which is faster, is not ready",
    wasm: "no native engine is ready",
  };
  return {
    engine: best.name,
    precision: narrow ? "bf16, for models that stay exact enough, else f32" : "f32",
    why: reasons[best.name],
  };
}
