/**
 * @file The engines by name: one row for each, from which everything derives that names engines, their order and what they
 * compute in. Light to load: runtime/ comes when one is looked for or opened.
 */
import { dirname } from "node:path";
import type { Engine, OpenVinoDevice, Precision } from "../../runtime/index.ts";

/** Where an engine's files lie, and who put them there: a package, limn's data folder, the system, a variable. */
export interface EnginePlace {
  readonly source: string;
  readonly folder: string | null;
}

/** One engine, as whoever chooses one sees it. */
export interface EngineRow {
  /** Its name where people read it. */
  readonly title: string;
  /** `usual`: comes with limn, and is one. `extra`: has to be fetched. `spare`: too slow to train, draws where no other does. */
  readonly standing: "usual" | "extra" | "spare";
  /** Its place in the order in which `auto` tries: 1 is the fastest. */
  readonly rank: number;
  /** Why `auto` comes to take it. */
  readonly why: string;
  /** What it may compute in, the fastest first. Once open it tells what this machine is fast at. */
  readonly precisions: readonly Precision[];
  /** Whether it packs weights into memory of its own in any case, or only in fast mode. */
  readonly packs: "always" | "when fast";
  /** Rejects with EngineError where it is missing or of no use. */
  open(this: void): Promise<Engine>;
  /** Where it lies, without opening it; null where it is nowhere. Rejects where a place was named that has none. */
  locate(this: void): Promise<EnginePlace | null>;
  /** The processors that it finds; left out where it knows but one. */
  devices?(this: void): Promise<readonly OpenVinoDevice[]>;
}

const runtime = () => import("../../runtime/index.ts");

const rows = {
  ort: {
    title: "ONNX Runtime",
    standing: "usual",
    rank: 2,
    why: "OpenVINO, which is faster, is not ready",
    precisions: ["f32"],
    packs: "when fast",
    open: async () => (await runtime()).ortEngine(),
    locate: async () => {
      const { ortLibraryPath } = await runtime();
      return orNowhere(() => ({ source: "onnxruntime-node", folder: dirname(ortLibraryPath()) }));
    },
  },
  openvino: {
    title: "OpenVINO",
    standing: "extra",
    rank: 1,
    why: "the fastest engine for processors",
    precisions: ["bf16", "f32"],
    packs: "always",
    open: async () => (await runtime()).openVinoEngine(),
    locate: async () => (await runtime()).locateOpenVino(),
    devices: async () => (await runtime()).openVinoDevices(),
  },
  wasm: {
    title: "ONNX Runtime in WebAssembly",
    standing: "spare",
    rank: 3,
    why: "no native engine is ready",
    precisions: ["f32"],
    packs: "when fast",
    open: async () => (await runtime()).wasmEngine(),
    // A package of JavaScript: it is where it can be imported.
    locate: async () => {
      const { wasmEngine } = await runtime();
      return orNowhere(async () => {
        await wasmEngine();
        return { source: "onnxruntime-web", folder: null };
      });
    },
  },
} as const satisfies Readonly<Record<string, EngineRow>>;

async function orNowhere<T>(find: () => T | Promise<T>): Promise<T | null> {
  try {
    return await find();
  } catch {
    return null;
  }
}

/** An engine by its name. */
export type EngineName = keyof typeof rows;
/** One that trains. */
export type TrainingName = {
  [K in EngineName]: (typeof rows)[K]["standing"] extends "spare" ? never : K;
}[EngineName];

/** Each engine's row. */
export const engineTable: Readonly<Record<EngineName, EngineRow>> = rows;
/** All names, the usual one first. */
export const engineNames = Object.keys(rows) as readonly EngineName[];
/** All names, the fastest first. */
export const engineOrder: readonly EngineName[] = engineNames.toSorted(
  (a, b) => rows[a].rank - rows[b].rank,
);
/** Those that train, the usual one first. */
export const trainingNames = engineNames.filter(
  (name): name is TrainingName => rows[name].standing !== "spare",
);
/** All that any of them computes in, the fastest first. */
export const precisionOrder: readonly Precision[] = [
  ...new Set(engineOrder.flatMap((name) => rows[name].precisions)),
];

/** Whether whatever engine is taken for a choice may compute in a precision. */
export function computesIn(choice: EngineName | "auto", precision: Precision): boolean {
  const taken = choice === "auto" ? engineNames : [choice];
  return taken.every((name) => engineTable[name].precisions.includes(precision));
}

/** The one that comes with limn: others' pictures are held against its f32, and where none works its words help most. */
export const [usualEngine] = engineNames.filter((name) => rows[name].standing === "usual");

/** How each is opened. */
export type Openers = Readonly<Record<EngineName, () => Promise<Engine>>>;
export const openers = Object.fromEntries(
  engineNames.map((name) => [name, rows[name].open]),
) as Openers;

/** Whether an engine is nowhere, as opposed to somewhere and of no use. */
export async function isNowhere(name: EngineName): Promise<boolean> {
  return engineTable[name].locate().then(
    (place) => place === null,
    () => false, // a place that was named has none
  );
}
