/** @file OpenVINO through its C API, called with koffi: models are read and run off the event loop and can be stopped. */
import { EngineError, type DType } from "../../base/index.ts";
import { shareHeap } from "./arenas.node.ts";
import type { Values } from "../../tensor/index.ts";
import type { Precision } from "../engine.ts";
import {
  howToInstallOpenVino,
  loadOpenVino,
  refuseGone,
  type OpenVino,
  type OpenVinoPlace,
} from "./library.node.ts";
import {
  addressOf,
  koffi,
  onPool,
  Shapes,
  type NativeFunction,
  type NativeType,
  type Pointer,
} from "../native.node.ts";

/** Name without its `ov_` → C signature. Every function that answers `int` answers with a status. */
const table = {
  core_create: ["int", "_Out_ void **"],
  core_free: ["void", "void *"],
  core_get_available_devices: ["int", "void *", "void *"],
  available_devices_free: ["void", "void *"],
  core_get_property: ["int", "void *", "const char *", "const char *", "_Out_ void **"],
  core_read_model: ["int", "void *", "const char *", "const char *", "_Out_ void **"],
  core_read_model_from_memory_buffer: [
    "int",
    "void *",
    "void *",
    "size_t",
    "void *",
    "_Out_ void **",
  ],
  model_free: ["void", "void *"],
  compiled_model_inputs_size: ["int", "void *", "_Out_ size_t *"],
  compiled_model_outputs_size: ["int", "void *", "_Out_ size_t *"],
  compiled_model_create_infer_request: ["int", "void *", "_Out_ void **"],
  compiled_model_free: ["void", "void *"],
  compiled_model_get_property: ["int", "void *", "const char *", "_Out_ void **"],
  infer_request_set_input_tensor_by_index: ["int", "void *", "size_t", "void *"],
  infer_request_set_output_tensor_by_index: ["int", "void *", "size_t", "void *"],
  infer_request_infer: ["int", "void *"],
  infer_request_cancel: ["int", "void *"],
  infer_request_get_profiling_info: ["int", "void *", "void *"],
  profiling_info_list_free: ["void", "void *"],
  infer_request_free: ["void", "void *"],
  tensor_free: ["void", "void *"],
  get_last_err_msg: ["void *"],
  free: ["void", "void *"],
} as const;
type Name = keyof typeof table;

/** Codes of element types, which differ from ONNX's. */
const elementTypes = {
  bool: 1,
  bf16: 2,
  f16: 3,
  f32: 4,
  f64: 5,
  i8: 7,
  i16: 8,
  i32: 9,
  i64: 10,
  u8: 16,
} as const satisfies { [K in DType]: number };

/** Settings of a compilation, by OpenVINO's names. */
export type Properties = Readonly<Record<string, string>>;

/** A model ready to run. Both handles are its owner's to free. */
export interface Compiled {
  readonly model: Pointer;
  readonly request: Pointer;
}

/** How long a layer of the last run took; a layer that was fused away took nothing. */
export interface LayerTime {
  readonly name: string;
  /** Its type and the kernel's name. */
  readonly kind: string;
  readonly kernel: string;
  readonly milliseconds: number;
}

const cancelled = -13;

/** The library's functions, and a core for each set of properties. */
export class OpenVinoApi {
  readonly found: OpenVino;
  readonly #functions = new Map<Name, NativeFunction>();
  readonly #setProperty: NativeFunction;
  readonly #compile: NativeFunction;
  readonly #compileFile: NativeFunction;
  readonly #createTensor: NativeFunction;
  readonly #shapes = new Shapes();
  /** Variadic functions cannot be called off the event loop: properties are set on cores, compilations have none. */
  readonly #cores = new Map<string, Pointer>();

  constructor(place: OpenVinoPlace) {
    const { library, found } = loadOpenVino(place);
    this.found = found;
    const bind = (name: string, result: string, ...args: NativeType[]) => {
      try {
        return library.func(`ov_${name}`, result, args) as NativeFunction;
      } catch (cause) {
        throw new EngineError(`OpenVINO ${found.version} in ${found.folder} lacks ov_${name}`, {
          cause,
        });
      }
    };
    for (const [name, [result, ...args]] of Object.entries(table))
      this.#functions.set(name as Name, bind(name, result, ...args));
    this.#setProperty = bind("core_set_property", "int", "void *", "const char *", "...");
    const compile = ["void *", "void *", "const char *", "size_t", "_Out_ void **"];
    this.#compile = bind("core_compile_model", "int", ...compile);
    const fromFile = ["void *", "const char *", "const char *", "size_t", "_Out_ void **"];
    this.#compileFile = bind("core_compile_model_from_file", "int", ...fromFile);
    const shape = koffi().struct({ rank: "int64_t", dims: "void *" });
    const tensor = ["int", shape, "void *", "_Out_ void **"];
    this.#createTensor = bind("tensor_create_from_host_ptr", "int", ...tensor);
  }

  #function(name: Name): NativeFunction {
    // The constructor has filled the map for every name.
    return this.#functions.get(name) as NativeFunction;
  }

  /** Throws where a status is no success: OpenVINO's own message, or that its files are gone. */
  check(status: unknown): void {
    if (status === 0) return;
    const message = this.#takeText(this.#function("get_last_err_msg")() as Pointer | null);
    refuseGone(this.found, message);
    const what = status === cancelled ? "the run was cancelled" : firstLine(message);
    throw new EngineError(`OpenVINO: ${what || `error ${String(status)}`}`, { cause: message });
  }

  /** Calls a function whose last argument receives the answer. */
  #make(native: NativeFunction, ...args: readonly unknown[]): Pointer {
    const out: [Pointer | null] = [null];
    this.check(native(...args, out));
    return out[0] as Pointer;
  }

  async #pooled(native: NativeFunction, args: readonly unknown[], kept: readonly unknown[]) {
    this.check(await onPool("OpenVINO", native, { args, kept }));
  }

  async #makePooled(
    native: NativeFunction,
    args: readonly unknown[],
    kept: readonly unknown[] = [],
  ) {
    const out: [Pointer | null] = [null];
    await this.#pooled(native, [...args, out], [...kept, out]);
    return out[0] as Pointer;
  }

  #takeText(pointer: Pointer | null): string {
    if (pointer === null) return "";
    const text = koffi().decode(pointer, "char", -1) as string;
    this.#function("free")(pointer);
    return text;
  }

  #core(properties: Properties = {}): Pointer {
    const key = JSON.stringify(properties);
    const core = this.#cores.get(key) ?? this.#newCore(properties);
    this.#cores.set(key, core);
    return core;
  }

  #newCore(properties: Properties): Pointer {
    const core = this.#make(this.#function("core_create"));
    const text = "const char *";
    try {
      for (const [name, value] of Object.entries(properties))
        this.check(this.#setProperty(core, "CPU", text, name, text, value, text, null));
      return core;
    } catch (error) {
      this.#function("core_free")(core);
      throw error;
    }
  }

  /** What a device says of itself, such as `FULL_DEVICE_NAME`. */
  property(device: string, name: string): string {
    return this.#takeText(
      this.#make(this.#function("core_get_property"), this.#core(), device, name),
    );
  }

  /** Devices that the library finds: CPU, GPU.0, NPU, … */
  devices(): string[] {
    const list = new BigUint64Array(2); // where the names are, and how many
    const address = addressOf(list);
    this.check(this.#function("core_get_available_devices")(this.#core(), address));
    const names = koffi().decode(list[0], "char *", Number(list[1])) as string[];
    this.#function("available_devices_free")(address);
    return [...names];
  }

  /** What the CPU's plugin computes in. Throws EngineError where there is no such plugin. */
  precisions(): Precision[] {
    const words = this.#capabilities().split(/\W+/);
    return words.includes("BF16") ? ["f32", "bf16"] : ["f32"];
  }

  #capabilities(): string {
    try {
      return this.property("CPU", "OPTIMIZATION_CAPABILITIES");
    } catch (cause) {
      refuseGone(this.found, cause);
      const { version, folder } = this.found;
      throw new EngineError(`OpenVINO ${version} in ${folder} has no plugin for processors`, {
        ...{ hint: howToInstallOpenVino, cause },
      });
    }
  }

  /** Reads a model: ONNX bytes, or a file whose external data lies below its own folder. */
  readModel(model: Uint8Array | string): Promise<Pointer> {
    const core = this.#core();
    if (typeof model === "string")
      return this.#makePooled(this.#function("core_read_model"), [core, model, null]);
    const args = [core, addressOf(model), model.length, null];
    return this.#makePooled(this.#function("core_read_model_from_memory_buffer"), args, [model]);
  }

  /** Frees a model that was read; what was compiled of it stays. */
  releaseModel(model: Pointer): void {
    this.#function("model_free")(model);
  }

  /** Compiles a model for the CPU. */
  async compile(model: Pointer, properties: Properties): Promise<Compiled> {
    const args = [this.#core(properties), model, "CPU", 0];
    return this.#requestOf(await this.#makePooled(this.#compile, args));
  }

  /** Compiles a model in a file for the CPU, or takes what the folder of the property CACHE_DIR has of it. */
  async compileFile(file: string, properties: Properties): Promise<Compiled> {
    // Folders are many: a core for each would stay for ever.
    const core = this.#newCore(properties);
    try {
      const model = await this.#makePooled(this.#compileFile, [core, file, "CPU", 0]);
      return this.#requestOf(model);
    } finally {
      this.#function("core_free")(core);
    }
  }

  /** Whether a model was taken from the folder of CACHE_DIR instead of being compiled. */
  cameFromCache({ model }: Compiled): boolean {
    const read = this.#function("compiled_model_get_property");
    return this.#takeText(this.#make(read, model, "LOADED_FROM_CACHE")) === "YES";
  }

  #requestOf(model: Pointer): Compiled {
    try {
      const create = this.#function("compiled_model_create_infer_request");
      return { model, request: this.#make(create, model) };
    } catch (error) {
      this.#function("compiled_model_free")(model);
      throw error;
    }
  }

  release({ model, request }: Compiled): void {
    this.#function("infer_request_free")(request);
    this.#function("compiled_model_free")(model);
  }

  /** How many inputs and outputs a model has. */
  sizes({ model }: Compiled): [inputs: number, outputs: number] {
    const count = (name: "compiled_model_inputs_size" | "compiled_model_outputs_size") =>
      Number(this.#make(this.#function(name), model));
    return [count("compiled_model_inputs_size"), count("compiled_model_outputs_size")];
  }

  /** Lets an input or output lie in memory that stays the caller's. */
  place(
    { request }: Compiled,
    [side, index]: ["input" | "output", number],
    value: HostTensor,
  ): void {
    const { dtype, shape, data } = value;
    const size = { rank: shape.length, dims: this.#shapes.address(shape) };
    const tensor = this.#make(this.#createTensor, elementTypes[dtype], size, addressOf(data));
    try {
      this.check(
        this.#function(`infer_request_set_${side}_tensor_by_index`)(request, index, tensor),
      );
    } finally {
      this.#function("tensor_free")(tensor); // the request holds one of its own
    }
  }

  /** Runs a request over what was placed; `kept` are the arrays behind it. */
  async infer({ request }: Compiled, kept: readonly unknown[]): Promise<void> {
    await this.#pooled(this.#function("infer_request_infer"), [request], kept);
  }

  cancel({ request }: Compiled): void {
    this.#function("infer_request_cancel")(request);
  }

  /** Times by layer of the last run, where the property PERF_COUNT is YES. */
  layerTimes({ request }: Compiled): LayerTime[] {
    const list = new BigUint64Array(2);
    const address = addressOf(list);
    this.check(this.#function("infer_request_get_profiling_info")(request, address));
    const text = "const char *";
    const row = koffi().struct({
      status: "int",
      real: "int64_t",
      cpu: "int64_t",
      name: text,
      exec: text,
      type: text,
    });
    type Row = Record<"name" | "exec" | "type", string> & { real: number };
    const rows = koffi().decode(list[0], row, Number(list[1])) as Row[];
    const times = rows.map(({ name, type, exec, real }) => ({
      name,
      kind: type,
      kernel: exec,
      milliseconds: Number(real) / 1000,
    }));
    this.#function("profiling_info_list_free")(address);
    return times;
  }
}

const opened = new Map<string, OpenVinoApi>();

/** The library at a place: one for all who ask, since each has cores of its own. */
export function openVinoApi(place: OpenVinoPlace): OpenVinoApi {
  if (opened.size === 0) shareHeap();
  const api = opened.get(place.file) ?? new OpenVinoApi(place);
  opened.set(place.file, api);
  return api;
}

/** A tensor in memory of ours. */
interface HostTensor {
  readonly dtype: DType;
  readonly shape: readonly number[];
  readonly data: Values;
}

/** OpenVINO's messages begin with the places in its sources that they passed. */
function firstLine(message: string): string {
  const lines = message.split("\n").map((line) => line.trim());
  const told = lines.filter(
    (line) => line && !/^(Exception from|Check '.*' failed at) src/.test(line),
  );
  return told[0] ?? lines[0] ?? "";
}
