/**
 * @file ONNX Runtime through its C API, from the library that onnxruntime-node ships, called with koffi: unlike that
 * package's own binding it writes outputs into memory of ours, runs off the event loop and can be stopped
 * (docs/decisions/0002). Function numbers: `struct OrtApi` in onnxruntime_c_api.h, which only ever grows at its end.
 */
import { EngineError, type DType } from "../../base/index.ts";
import { onnxTypes } from "../../formats/index.ts";
import type { Values } from "../../tensor/index.ts";
import { howToInstall, howToMend, libraryPath } from "./library.node.ts";
import { loadLibrary } from "../native-library.node.ts";
import {
  addressOf,
  koffi,
  onPool,
  Shapes,
  type Library,
  type NativeFunction,
  type Pointer,
} from "../native.node.ts";

/** The oldest table that holds all of the functions used here; newer libraries still answer with it. */
const apiVersion = 17;

/** Name → [place in the table, C signature]. Statuses and handles are plain pointers. */
const table = {
  getErrorMessage: [2, "const char *f(void *)"],
  createEnv: [3, "void *f(int, const char *, _Out_ void **)"],
  createSessionFromArray: [8, "void *f(void *, void *, size_t, void *, _Out_ void **)"],
  run: [9, "void *f(void *, void *, void *, void *, size_t, void *, size_t, void *)"],
  createSessionOptions: [10, "void *f(_Out_ void **)"],
  setOptimizationLevel: [23, "void *f(void *, int)"],
  setIntraOpThreads: [24, "void *f(void *, int)"],
  createRunOptions: [39, "void *f(_Out_ void **)"],
  setTerminate: [46, "void *f(void *)"],
  createTensor: [49, "void *f(void *, void *, size_t, void *, size_t, int, _Out_ void **)"],
  createCpuMemoryInfo: [69, "void *f(int, int, _Out_ void **)"],
  releaseStatus: [93, "void f(void *)"],
  releaseSession: [95, "void f(void *)"],
  releaseValue: [96, "void f(void *)"],
  releaseRunOptions: [97, "void f(void *)"],
  releaseSessionOptions: [100, "void f(void *)"],
  addSessionConfigEntry: [130, "void *f(void *, const char *, const char *)"],
} as const;
type Name = keyof typeof table;

/** Optimisation levels of the C API: nothing, basic, extended, all with layout changes. */
export const levels = { disabled: 0, basic: 1, extended: 2, all: 99 } as const;

export interface SessionOptions {
  readonly threads: number | undefined;
  readonly level: keyof typeof levels;
  /** `session.…` keys of ONNX Runtime. */
  readonly config: Readonly<Record<string, string>>;
}

let prototypes = 0;

/** `const OrtApiBase *OrtGetApiBase(void)`, the one function that the library exports by name. */
function baseOf(library: Library, file: string): unknown {
  try {
    const base: unknown = library.func("void *OrtGetApiBase()")();
    if (base === null) throw new Error("it has no functions");
    return base;
  } catch (cause) {
    throw new EngineError(`${file} is not ONNX Runtime's library`, { hint: howToMend, cause });
  }
}

/** The function table and one environment; one per thread is enough. */
export class OrtApi {
  readonly version: string;
  /** Collected, it would take its code with it. */
  readonly #library: Library;
  readonly #functions = new Map<Name, NativeFunction>();
  readonly #env: Pointer;
  readonly #memory: Pointer;
  readonly #shapes = new Shapes();

  constructor() {
    const file = libraryPath();
    this.#library = loadLibrary(file, howToMend);
    const base = baseOf(this.#library, file);
    const { decode, proto, sizeof } = koffi();
    const at = (pointer: unknown, index: number, signature: string): NativeFunction =>
      // A prototype decodes to a callable, which koffi's types do not say.
      decode(
        decode(pointer, index * sizeof("void *"), "void *"),
        proto(signature.replace("f(", `OrtFunction${prototypes++}(`)),
      ) as NativeFunction;
    this.version = at(base, 1, "const char *f()")() as string;
    const api = at(base, 0, "void *f(uint32_t)")(apiVersion);
    if (!api)
      throw new EngineError(`ONNX Runtime ${this.version} lacks C API ${apiVersion}`, {
        hint: howToInstall,
      });
    for (const [name, [index, signature]] of Object.entries(table))
      this.#functions.set(name as Name, at(api, index, signature));
    this.#env = this.#make("createEnv", 3, "limn");
    this.#memory = this.#make("createCpuMemoryInfo", 0, 0);
  }

  function(name: Name): NativeFunction {
    // The constructor has filled the map for every name.
    return this.#functions.get(name) as NativeFunction;
  }

  /** Throws the status's own message when there is one. */
  check(status: unknown): void {
    if (status === null) return;
    const message = this.function("getErrorMessage")(status) as string;
    this.function("releaseStatus")(status);
    throw new EngineError(`ONNX Runtime: ${message}`);
  }

  /** Calls a function whose last argument receives the new handle. */
  #make(name: Name, ...args: readonly unknown[]): Pointer {
    const out: [Pointer | null] = [null];
    this.check(this.function(name)(...args, out));
    return out[0] as Pointer;
  }

  #pooled(name: Name, args: readonly unknown[], kept: readonly unknown[]): Promise<unknown> {
    return onPool("ONNX Runtime", this.function(name), { args, kept });
  }

  /** Prepares a model; the work is done off the event loop. */
  async createSession(model: Uint8Array, options: SessionOptions): Promise<Pointer> {
    const handle = this.#make("createSessionOptions");
    try {
      this.check(this.function("setOptimizationLevel")(handle, levels[options.level]));
      if (options.threads !== undefined)
        this.check(this.function("setIntraOpThreads")(handle, options.threads));
      for (const [key, value] of Object.entries(options.config))
        this.check(this.function("addSessionConfigEntry")(handle, key, value));
      const out: [Pointer | null] = [null];
      const args = [this.#env, addressOf(model), model.length, handle, out];
      this.check(await this.#pooled("createSessionFromArray", args, [model, out]));
      return out[0] as Pointer;
    } finally {
      this.function("releaseSessionOptions")(handle);
    }
  }

  /** A tensor over memory that stays the caller's; ONNX Runtime reads and writes it in place. */
  createTensor(dtype: DType, shape: readonly number[], data: Values): Pointer {
    const { byteLength } = data;
    const size = [addressOf(data), byteLength, this.#shapes.address(shape), shape.length];
    return this.#make("createTensor", this.#memory, ...size, onnxTypes[dtype]);
  }

  createRunOptions(): Pointer {
    return this.#make("createRunOptions");
  }

  /** Runs a session over tensors; `kept` are the arrays behind them. */
  async run(
    session: Pointer,
    options: Pointer,
    sides: Readonly<Record<"inputs" | "outputs", ReadonlyMap<string, Pointer>>>,
    kept: readonly unknown[],
  ): Promise<void> {
    const layOut = (tensors: ReadonlyMap<string, Pointer>) => {
      const names = [...tensors.keys()].map((name) => Buffer.from(`${name}\0`));
      const pointers = BigUint64Array.from(names, addressOf);
      return {
        names,
        pointers,
        handles: BigUint64Array.from(tensors.values()),
        count: tensors.size,
      };
    };
    const [from, to] = [layOut(sides.inputs), layOut(sides.outputs)];
    const args = [
      ...[session, options, addressOf(from.pointers), addressOf(from.handles), from.count],
      ...[addressOf(to.pointers), to.count, addressOf(to.handles)],
    ];
    this.check(await this.#pooled("run", args, [...kept, from, to]));
  }
}
