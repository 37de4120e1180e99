/** @file Which engines this machine has, what each can, and which of them draws when none is named. */
import { arch, availableParallelism, cpus, platform } from "node:os";
import { LimnError } from "../../base/index.ts";
import { cpuFeatures, type OpenVinoDevice, type Precision } from "../../runtime/index.ts";
import { hasFastHalves } from "./choose.ts";
import { engineOrder, engineTable, isNowhere, type EngineName } from "./table.ts";

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
  const engines: EngineFacts[] = [];
  for (const name of engineOrder) engines.push(await factsOf(name));
  return {
    machine: {
      system: `${platform()} ${arch()}`,
      processor: cpus()[0]?.model.trim() ?? "unknown",
      threads: availableParallelism(),
      features: cpuFeatures() ?? capabilitiesOf(engines),
    },
    engines,
    auto: automatic(engines),
  };
}

/** Where the system does not tell what its processor has, an engine may. */
function capabilitiesOf(engines: readonly EngineFacts[]): readonly string[] | null {
  const found = engines.flatMap(({ devices }) => devices).find(({ name }) => name === "CPU");
  return found?.capabilities.map((word) => word.toLowerCase()) ?? null;
}

const nothing = {
  ...{ version: null, source: null, folder: null, problem: null, hint: null },
  ...{ precisions: [], devices: [] },
} as const;

async function factsOf(name: EngineName): Promise<EngineFacts> {
  const { open, locate, devices } = engineTable[name];
  try {
    const { version, precisions } = await open();
    const { source = null, folder = null } = (await locate()) ?? {};
    const found = (await devices?.()) ?? [];
    return {
      ...nothing,
      name,
      state: "ready",
      version,
      source,
      folder,
      precisions,
      devices: found,
    };
  } catch (error) {
    const problem = error instanceof Error ? error.message : String(error);
    const hint = error instanceof LimnError ? (error.hint ?? null) : null;
    const state = (await isNowhere(name)) ? "missing" : "broken";
    return { ...nothing, name, state, problem, hint };
  }
}

/** The fastest that is ready: engines come in that order. */
function automatic(engines: readonly EngineFacts[]): EnginesReport["auto"] {
  const best = engines.find(({ state }) => state === "ready");
  if (!best) return null;
  const narrow = best.precisions.includes("bf16") && hasFastHalves();
  return {
    engine: best.name,
    precision: narrow ? "bf16, for models that stay exact enough, else f32" : "f32",
    why: engineTable[best.name].why,
  };
}
