/**
 * @file ONNX Runtime through its C API, from the very library that onnxruntime-node ships, called with koffi.
 * Unlike the package's own binding it writes outputs into memory that the caller owns, runs off the event loop, can
 * be terminated, and accepts shared memory. Function numbers: `struct OrtApi` in onnxruntime_c_api.h, append-only.
 */
import { readdirSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import koffi from "koffi";

// koffi runs native code on stacks of its own, 128 KiB for asynchronous calls: too little for matrix kernels.
koffi.config({ ...koffi.config(), sync_stack_size: 8 << 20, async_stack_size: 8 << 20 });

/** The oldest table that holds all of the functions used here; newer libraries still answer with it. */
const API_VERSION = 17;

type Pointer = bigint;
/** Memory that a tensor may lie in. It must not be transferred or resized while a tensor points at it. */
export type Memory = Float32Array | Int32Array | BigInt64Array | Uint16Array | Uint8Array;

interface NativeFunction {
  (...args: readonly unknown[]): unknown;
  async(...args: readonly unknown[]): void;
}

/** Name → [place in the table, C signature]. Statuses and handles are plain pointers. */
const table = {
  getErrorMessage: [2, "const char *f(void *)"],
  createEnv: [3, "void *f(int, const char *, _Out_ void **)"],
  createSessionFromArray: [8, "void *f(void *, void *, size_t, void *, _Out_ void **)"],
  run: [9, "void *f(void *, void *, void *, void *, size_t, void *, size_t, void *)"],
  createSessionOptions: [10, "void *f(_Out_ void **)"],
  disableMemoryPattern: [17, "void *f(void *)"],
  disableArena: [19, "void *f(void *)"],
  setOptimizationLevel: [23, "void *f(void *, int)"],
  setIntraOpThreads: [24, "void *f(void *, int)"],
  createRunOptions: [39, "void *f(_Out_ void **)"],
  setTerminate: [46, "void *f(void *)"],
  unsetTerminate: [47, "void *f(void *)"],
  createTensor: [49, "void *f(void *, void *, size_t, void *, size_t, int, _Out_ void **)"],
  createCpuMemoryInfo: [69, "void *f(int, int, _Out_ void **)"],
  releaseEnv: [92, "void f(void *)"],
  releaseStatus: [93, "void f(void *)"],
  releaseMemoryInfo: [94, "void f(void *)"],
  releaseSession: [95, "void f(void *)"],
  releaseValue: [96, "void f(void *)"],
  releaseRunOptions: [97, "void f(void *)"],
  releaseSessionOptions: [100, "void f(void *)"],
  addSessionConfigEntry: [130, "void *f(void *, const char *, const char *)"],
} as const;
type Name = keyof typeof table;

/** ONNX element types by the array that holds them; bits of f16 are a Uint16Array, bool and u8 a Uint8Array. */
export const elementTypes = { f32: 1, u8: 2, i32: 6, i64: 7, bool: 9, f16: 10, bf16: 16 } as const;

/** Optimisation levels of the C API. */
export const levels = { disabled: 0, basic: 1, extended: 2, layout: 3, all: 99 } as const;

export interface SessionOptions {
  readonly threads?: number;
  readonly level?: keyof typeof levels;
  /** `none` returns activations to the system after every use: slower, but nothing stays. */
  readonly arena?: "growing" | "none";
  /** `session.…` keys, such as `session.disable_prepacking`. */
  readonly config?: Readonly<Record<string, string>>;
}

export interface TensorSpec {
  readonly name: string;
  readonly dtype: keyof typeof elementTypes;
  readonly shape: readonly number[];
}

function libraryPath(): string {
  const main = createRequire(import.meta.url).resolve("onnxruntime-node");
  const folder = join(dirname(main), "..", "bin", "napi-v6", process.platform, process.arch);
  const file = readdirSync(folder).find((name) =>
    /^(lib)?onnxruntime\.(so|dll|.*dylib)/.test(name),
  );
  if (!file) throw new Error(`no ONNX Runtime library in ${folder}`);
  return join(folder, file);
}

/**
 * Keeps the library loaded until the process ends. koffi unloads it with the last reference to its handle, which
 * functions decoded from pointers do not hold, and a worker thread that ends drops its handle even during a run.
 */
function pinLibrary(path: string): void {
  if (process.platform === "win32")
    koffi.load("kernel32.dll").func("void *LoadLibraryA(const char *)")(path);
  else koffi.load(null).func("void *dlopen(const char *, int)")(path, RTLD_NOW);
}
const RTLD_NOW = 2;

const addressOf = (memory: Memory | BigUint64Array): Pointer => koffi.address(memory);

/** The function table, one environment and the description of host memory. One per process is enough. */
export class OrtApi {
  readonly version: string;
  readonly #functions = new Map<Name, NativeFunction>();
  readonly #env: Pointer;
  readonly memory: Pointer;
  constructor(path = libraryPath()) {
    pinLibrary(path);
    const base: unknown = koffi.load(path).func("void *OrtGetApiBase()")();
    const at = (pointer: unknown, index: number, signature: string): NativeFunction =>
      // koffi types decoded values as any; a prototype decodes to a callable.
      koffi.decode(
        koffi.decode(pointer, index * koffi.sizeof("void *"), "void *"),
        koffi.proto(signature.replace("f(", `OrtFunction${prototypes++}(`)),
      ) as NativeFunction;
    this.version = at(base, 1, "const char *f()")() as string;
    const api = at(base, 0, "void *f(uint32_t)")(API_VERSION);
    if (!api) throw new Error(`ONNX Runtime ${this.version} has no C API ${API_VERSION}`);
    for (const name of Object.keys(table) as Name[])
      this.#functions.set(name, at(api, ...(table[name] as readonly [number, string])));
    this.#env = this.make("createEnv", 3, "limn");
    this.memory = this.make("createCpuMemoryInfo", 0, 0);
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
    throw new Error(`ONNX Runtime: ${message}`);
  }

  /** Calls a function that answers with a status. */
  call(name: Name, ...args: readonly unknown[]): void {
    this.check(this.function(name)(...args));
  }

  /** Calls a function whose last argument receives the new handle. */
  make(name: Name, ...args: readonly unknown[]): Pointer {
    const out: [Pointer | null] = [null];
    this.call(name, ...args, out);
    return out[0] as Pointer;
  }

  release(name: Name, handle: Pointer): void {
    this.function(name)(handle);
  }

  session(model: Uint8Array, options: SessionOptions = {}): OrtSession {
    const handle = this.make("createSessionOptions");
    try {
      this.call("setOptimizationLevel", handle, levels[options.level ?? "all"]);
      if (options.arena === "none")
        for (const off of ["disableArena", "disableMemoryPattern"] as const) this.call(off, handle);
      if (options.threads) this.call("setIntraOpThreads", handle, options.threads);
      for (const [key, value] of Object.entries(options.config ?? {}))
        this.call("addSessionConfigEntry", handle, key, value);
      const made = this.make("createSessionFromArray", this.#env, model, model.length, handle);
      return new OrtSession(this, made);
    } finally {
      this.release("releaseSessionOptions", handle);
    }
  }

  [Symbol.dispose](): void {
    this.release("releaseMemoryInfo", this.memory);
    this.release("releaseEnv", this.#env);
  }
}
let prototypes = 0;

/** A tensor over memory that the caller owns; ONNX Runtime reads and writes it in place. */
export class OrtTensor {
  readonly spec: TensorSpec;
  readonly data: Memory;
  readonly handle: Pointer;
  readonly #api: OrtApi;
  constructor(api: OrtApi, spec: TensorSpec, data: Memory) {
    const count = spec.shape.reduce((a, b) => a * b, 1);
    if (count !== data.length)
      throw new Error(
        `${spec.name} [${spec.shape.join()}] needs ${count} values, got ${data.length}`,
      );
    this.#api = api;
    this.spec = spec;
    this.data = data;
    const shape = BigInt64Array.from(spec.shape, BigInt);
    const [pointer, size] = [addressOf(data), data.byteLength];
    const layout = [shape, shape.length, elementTypes[spec.dtype]];
    this.handle = api.make("createTensor", api.memory, pointer, size, ...layout);
  }

  [Symbol.dispose](): void {
    this.#api.release("releaseValue", this.handle);
  }
}

export class OrtSession {
  readonly #api: OrtApi;
  readonly #handle: Pointer;
  constructor(api: OrtApi, handle: Pointer) {
    this.#api = api;
    this.#handle = handle;
  }

  /** Fixes inputs and outputs once: names and handles are laid out in native order and reused by every call. */
  bind(inputs: readonly OrtTensor[], outputs: readonly OrtTensor[]): OrtCall {
    return new OrtCall(this.#api, this.#handle, inputs, outputs);
  }

  [Symbol.dispose](): void {
    this.#api.release("releaseSession", this.#handle);
  }
}

function pointerTable(pointers: readonly Pointer[]): BigUint64Array {
  return BigUint64Array.from(pointers);
}

/** One session with its inputs and outputs. A call must end before it, its session or its tensors are released. */
export class OrtCall {
  readonly #api: OrtApi;
  readonly #options: Pointer;
  readonly #args: readonly unknown[];
  /** What the native side points at; referenced so that it lives as long as this. */
  readonly kept: readonly unknown[];
  constructor(
    api: OrtApi,
    session: Pointer,
    inputs: readonly OrtTensor[],
    outputs: readonly OrtTensor[],
  ) {
    const side = (tensors: readonly OrtTensor[]) => {
      const names = tensors.map(({ spec }) => Buffer.from(`${spec.name}\0`));
      const namePointers = pointerTable(names.map(addressOf));
      const handles = pointerTable(tensors.map(({ handle }) => handle));
      return { tensors, names, namePointers, handles };
    };
    const [from, to] = [side(inputs), side(outputs)];
    this.#api = api;
    this.#options = api.make("createRunOptions");
    this.kept = [from, to];
    this.#args = [
      session,
      this.#options,
      addressOf(from.namePointers),
      addressOf(from.handles),
      inputs.length,
      addressOf(to.namePointers),
      outputs.length,
      addressOf(to.handles),
    ];
  }

  /** Runs on the calling thread. */
  runSync(): void {
    this.#api.call("run", ...this.#args);
  }

  /** Runs on one of koffi's threads; the event loop stays free. */
  async run(): Promise<void> {
    const status = await new Promise<unknown>((resolve, reject) => {
      const done = (error: Error | null, answer: unknown): void =>
        error ? reject(error) : resolve(answer);
      this.#api.function("run").async(...this.#args, done);
    });
    this.#api.check(status);
  }

  /** Makes a running call fail at its next node; the call can be run again after `resume`. */
  terminate(): void {
    this.#api.call("setTerminate", this.#options);
  }

  resume(): void {
    this.#api.call("unsetTerminate", this.#options);
  }

  [Symbol.dispose](): void {
    this.#api.release("releaseRunOptions", this.#options);
  }
}
