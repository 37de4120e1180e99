/** @file The contract of every engine: a graph and its weights become a program that runs. */
import type { DType } from "../base/index.ts";
import type { Graph, Parameter, Values } from "../tensor/index.ts";

/** Numbers crossing the engine's border. f16 and bf16 travel as bits in a Uint16Array. */
export interface Value {
  readonly dtype: DType;
  readonly shape: readonly number[];
  readonly data: Values;
}

/** Where a parameter's numbers come from. */
export type Binding =
  /** A region of a file, mapped and shared; compiled in as a constant. */
  | { readonly kind: "file"; readonly file: string; readonly offset: number; readonly dtype: DType }
  /** Numbers in memory, compiled in as a constant. */
  | { readonly kind: "array"; readonly data: Values }
  /** Given at every run under the parameter's path: changed without recompiling. */
  | { readonly kind: "input" };

/** What an engine computes in. Values that cross its border are f32 in either. */
export type Precision = "f32" | "bf16";

/** How a graph becomes a program: where its weights are, and what speed may cost in memory. */
export interface CompileOptions {
  readonly bind: (parameter: Parameter) => Binding;
  /** `lean` keeps weights mapped and unpacked; `fast` packs them for speed and pays with private memory. */
  readonly mode?: "lean" | "fast";
  /** Threads within one op; as many as the engine thinks right when left out. */
  readonly threads?: number;
  /** f32 when left out. Throws RequestError where the engine lacks it. */
  readonly precision?: Precision;
  /** `disk` keeps what was compiled for the next process, where the engine can; `none` when left out. */
  readonly cache?: "disk" | "none";
}

/** What may differ between the runs of one program. */
export interface RunOptions {
  /** Memory to write outputs into, by name; outputs not named get memory of their own. */
  readonly into?: Readonly<Record<string, Value>>;
  /** Stops the run within milliseconds; the program can be run again. */
  readonly signal?: AbortSignal;
}

/** A compiled graph. Holds native memory until disposed. */
export interface Program extends AsyncDisposable {
  /** Whether each output may be written into the memory of an input of its size that it is computed from; not, when left out. */
  readonly inPlace?: boolean;
  /**
   * Values by input name and, for parameters bound as inputs, by path; answers by output name. The event loop stays
   * free. Arrays must not be transferred or changed while it runs.
   */
  run(
    inputs: Readonly<Record<string, Value>>,
    options?: RunOptions,
  ): Promise<Record<string, Value>>;
}

/** A way to run graphs: ONNX Runtime, OpenVINO, a browser. */
export interface Engine {
  readonly name: string;
  readonly version: string;
  /** What it can compute in on this machine at no loss of speed. */
  readonly precisions: readonly Precision[];
  compile(graph: Graph, options: CompileOptions): Promise<Program>;
  /**
   * Arrays of so many zeros that programs compiled afterwards read and write without copying; null where there is no such
   * memory. Those of an earlier call stay, but are copied from then on. They may lie in a SharedArrayBuffer, which is shared
   * where others are copied between threads, and cannot be transferred.
   */
  reserve?(lengths: readonly number[]): Float32Array[] | null;
}
