/** @file ONNX Runtime's WebAssembly behind the engine's contract: for browsers, and wherever no native library runs. */
import type * as Ort from "onnxruntime-web";
import { assert, EngineError, type DType } from "../../base/index.ts";
import type { OnnxValue } from "../../formats/index.ts";
import type { Graph } from "../../tensor/index.ts";
import { checkedInput, outputMemory, outputName } from "../lowering/border.ts";
import { bytesOf } from "../lowering/emitter.ts";
import type { CompileOptions, Engine, Program, RunOptions, Value } from "../engine.ts";
import { lowerGraph, type LoweredModel } from "../lowering/model.ts";
import { checkOptions } from "../options.ts";
import { ortKernels } from "../lowering/ort-kernels.ts";
import { webgpuKernels, webgpuOptions } from "./webgpu-kernels.ts";
import { packWeights, type ReadRegion } from "./weight-pack.ts";

/** Where graphs are computed: on the CPU, or on the GPU with what WebGPU lacks left to the CPU. */
export type WasmDevice = "wasm" | "webgpu";

/** What the engine needs from where it runs. */
export interface WasmSurroundings {
  /** The package `onnxruntime-web`, in the variant of the device. */
  readonly ort: typeof Ort;
  readonly device: WasmDevice;
  readonly read: ReadRegion;
}

/**
 * Threads for a machine of so many logical processors: one for two of them, up to 8. Two mostly share a core, and threads of
 * WebAssembly wait by spinning: on both threads of one core a step took 57 ms at best, on one of them 53.
 */
export function defaultThreads(processors: number): number {
  return Math.min(Math.ceil(processors / 2), 8);
}

/** An engine on a loaded `onnxruntime-web`. */
export function wasmEngineOn(surroundings: WasmSurroundings): Engine {
  const { ort, device } = surroundings;
  const traits = { name: device, precisions: ["f32"] } as const;
  const turns = turnsOf.get(ort) ?? new Turns();
  turnsOf.set(ort, turns);
  return {
    ...traits,
    version: ort.env.versions.web ?? ort.env.versions.common,
    compile: async (graph, options) => {
      checkOptions(traits, options);
      return compile(surroundings, turns, graph, options);
    },
  };
}

async function compile(
  { ort, device, read }: WasmSurroundings,
  turns: Turns,
  graph: Graph,
  options: CompileOptions,
): Promise<Program> {
  // The first session starts the threads, for all that follow.
  if (options.threads !== undefined) ort.env.wasm.numThreads = options.threads;
  const pack = await packWeights(graph, options.bind, read);
  const kernels = device === "webgpu" ? webgpuKernels : ortKernels;
  const model = lowerGraph(graph, { bind: pack.bind, kernels, locate: (file) => file });
  const lean = options.mode === "lean";
  const session = await turns.take(() =>
    ort.InferenceSession.create(model.bytes, {
      executionProviders: [
        device === "webgpu" ? { name: device, ...webgpuOptions(model.nodes) } : device,
      ],
      graphOptimizationLevel: lean ? "extended" : "all",
      externalData: [{ path: pack.name, data: pack.bytes }],
      // Warnings tell which nodes go to the CPU: for those who look for them, not for a page's console.
      logSeverityLevel: 3,
      // Packed copies of the weights are memory of its own, and there are 4 GB of it at most.
      extra: { session: lean ? { disable_prepacking: "1" } : {} },
    }).catch(failed("the graph could not be made ready")),
  );
  return new WasmProgram(ort, turns, session, model);
}

/** One WebAssembly instance computes one thing at a time, however many sessions it has. */
class Turns {
  #last: Promise<unknown> = Promise.resolve();

  take<T>(work: () => Promise<T>): Promise<T> {
    const mine = this.#last.then(work);
    this.#last = mine.catch(() => undefined);
    return mine;
  }
}

/** By instance: every engine on it waits in the same line. */
const turnsOf = new WeakMap<object, Turns>();

class WasmProgram implements Program {
  readonly #ort: typeof Ort;
  readonly #model: LoweredModel;
  readonly #turns: Turns;
  #session: Ort.InferenceSession | null;

  constructor(ort: typeof Ort, turns: Turns, session: Ort.InferenceSession, model: LoweredModel) {
    this.#ort = ort;
    this.#turns = turns;
    this.#session = session;
    this.#model = model;
  }

  /** Computes in the thread that calls, which is blocked meanwhile; a signal is heard before and after. */
  async run(
    inputs: Readonly<Record<string, Value>>,
    { into, signal }: RunOptions = {},
  ): Promise<Record<string, Value>> {
    const session = this.#session;
    assert(session !== null, "a disposed program was run");
    const { inputs: wanted, outputs } = this.#model;
    const feeds = Object.fromEntries(
      wanted.map((spec) => [spec.name, toTensor(this.#ort, checkedInput(spec, inputs))]),
    );
    const memory = new Map(
      into ? outputs.map((spec) => [spec.name, outputMemory(spec, into)]) : [],
    );
    const results = await this.#turns.take(async () => {
      signal?.throwIfAborted();
      return session.run(feeds).catch(failed("the graph could not be computed"));
    });
    signal?.throwIfAborted();
    return Object.fromEntries(
      outputs.map((spec) => {
        const result = fromTensor(spec, results[spec.name]);
        return [outputName(spec), copied(result, memory.get(spec.name))];
      }),
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const session = this.#session;
    this.#session = null;
    if (session) await this.#turns.take(() => session.release());
  }
}

const ortTypes = {
  f64: "float64",
  f32: "float32",
  f16: "float16",
  bf16: null,
  i64: "int64",
  i32: "int32",
  i16: "int16",
  i8: "int8",
  u8: "uint8",
  bool: "bool",
} as const satisfies Readonly<Record<DType, Ort.Tensor.Type | null>>;

type View<T> = new (buffer: ArrayBufferLike, offset: number, length: number) => T;
/** Where the platform has this, halves cross the border in it; their bits are the same. */
const Halves = (globalThis as { Float16Array?: View<ArrayBufferView> }).Float16Array;

function toTensor(ort: typeof Ort, { dtype, shape, data }: Value): Ort.Tensor {
  const type = ortTypes[dtype];
  if (type === null) throw new EngineError(`onnxruntime-web cannot be given ${dtype}`);
  const numbers =
    dtype === "f16" && Halves ? new Halves(data.buffer, data.byteOffset, data.length) : data;
  // Each type has an overload with its own array; that the two belong together is what `Value` promises.
  const Tensor = ort.Tensor as unknown as new (
    type: Ort.Tensor.Type,
    data: ArrayBufferView,
    dims: readonly number[],
  ) => Ort.Tensor;
  return new Tensor(type, numbers, shape);
}

function fromTensor({ dtype, shape }: OnnxValue, { data }: Ort.Tensor): Value {
  const numbers = data as Value["data"]; // no output of ours is of strings
  const { buffer, byteOffset, length } = numbers;
  const plain = dtype === "f16" ? new Uint16Array(buffer, byteOffset, length) : numbers;
  return { dtype, shape: shape as readonly number[], data: plain };
}

function copied(result: Value, into: Value | undefined): Value {
  if (!into) return result;
  bytesOf(into.data).set(bytesOf(result.data));
  return into;
}

/** What onnxruntime-web throws, said as limn says it. */
export function failed(what: string): (cause: unknown) => never {
  return (cause) => {
    // A failure within WebAssembly may throw a bare number, the address of a C++ exception: its kind is not known then.
    const reason = cause instanceof Error ? cause.message : null;
    const limit = "WebAssembly holds 4 GB at most: take a smaller picture or model";
    const hint =
      reason === null
        ? `perhaps memory: ${limit}`
        : /memory|allocat|bad_alloc|out of bounds/i.test(reason)
          ? limit
          : undefined;
    throw new EngineError(`${what}: ${reason ?? "WebAssembly does not say why"}`, {
      cause,
      ...(hint === undefined ? {} : { hint }),
    });
  };
}
