/** @file ONNX Runtime for Node behind the engine's contract. */
import { createRequire } from "node:module";
import { parse, relative } from "node:path";
import { realpathSync } from "node:fs";
import type { InferenceSession, Tensor as OrtTensor } from "onnxruntime-node";
import { assert, EngineError, type DType } from "../base/index.ts";
import type { Graph, Values } from "../tensor/index.ts";
import type { Binding, CompileOptions, Engine, Program, Value } from "./engine.ts";
import { lowerGraph, type LoweredModel } from "./model.ts";
import { ortKernels } from "./ort-kernels.ts";
import { widenBindings } from "./twin.node.ts";

type Ort = typeof import("onnxruntime-node");

const ortTypes: { readonly [K in DType]?: OrtTensor.Type } = {
  f32: "float32",
  f64: "float64",
  f16: "float16",
  i64: "int64",
  i32: "int32",
  i16: "int16",
  i8: "int8",
  u8: "uint8",
  bool: "bool",
};

async function loadOrt(): Promise<Ort> {
  try {
    return await import("onnxruntime-node");
  } catch (cause) {
    throw new EngineError("ONNX Runtime is not installed for this machine", {
      hint: "npm i onnxruntime-node --onnxruntime-node-install=skip",
      cause,
    });
  }
}

/** Root of the file system that holds `file`: external data must lie below the folder ONNX Runtime is told. */
function rootOf(files: readonly string[]): string {
  const roots = new Set(files.map((file) => parse(file).root));
  if (roots.size > 1)
    throw new EngineError(`weights lie on several drives: ${[...roots].join(", ")}`);
  return [...roots][0] ?? parse(process.cwd()).root;
}

class OrtProgram implements Program {
  readonly #ort: Ort;
  readonly #model: LoweredModel;
  #session: InferenceSession | null;
  constructor(ort: Ort, session: InferenceSession, model: LoweredModel) {
    this.#ort = ort;
    this.#session = session;
    this.#model = model;
  }

  async run(inputs: Readonly<Record<string, Value>>): Promise<Record<string, Value>> {
    assert(this.#session, "a disposed program was run");
    const feeds: Record<string, OrtTensor> = {};
    for (const { name, dtype, shape } of this.#model.inputs) {
      const value = inputs[name];
      assert(value, `input ${name} is missing`);
      const fits = value.dtype === dtype && value.shape.join() === shape.join();
      assert(
        fits,
        `input ${name} is ${value.dtype}[${value.shape.join()}], not ${dtype}[${shape.join()}]`,
      );
      const type = ortTypes[dtype];
      assert(type, `${dtype} cannot cross into ONNX Runtime`);
      feeds[name] = new this.#ort.Tensor(type, value.data as Float32Array, shape as number[]);
    }
    const results = await this.#session.run(feeds);
    return Object.fromEntries(
      this.#model.outputs.map(({ name, dtype, shape }) => [
        name.slice("out:".length),
        { dtype, shape: shape as number[], data: results[name].data as Values },
      ]),
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const session = this.#session;
    this.#session = null;
    await session?.release();
  }
}

function sessionOptions(
  { mode = "fast", threads }: CompileOptions,
  root: string,
): InferenceSession.SessionOptions {
  const session: Record<string, string> = { model_external_initializers_file_folder_path: root };
  // Packed copies of the weights are private memory: lean mode leaves them in the mapped file.
  if (mode === "lean") session.disable_prepacking = "1";
  return {
    executionProviders: ["cpu"],
    graphOptimizationLevel: mode === "lean" ? "extended" : "all",
    ...(threads === undefined ? {} : { intraOpNumThreads: threads }),
    logSeverityLevel: 3,
    extra: { session },
  };
}

async function compile(ort: Ort, graph: Graph, options: CompileOptions): Promise<Program> {
  const bind = await widenBindings(graph, options.bind);
  const files = graph.parameters.flatMap((p) => fileOf(bind(p)));
  const root = rootOf(files);
  const model = lowerGraph(graph, {
    bind,
    kernels: ortKernels,
    locate: (file) => relative(root, realpathSync(file)),
  });
  try {
    const session = await ort.InferenceSession.create(model.bytes, sessionOptions(options, root));
    return new OrtProgram(ort, session, model);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new EngineError(`ONNX Runtime refused the graph: ${reason}`, { cause });
  }
}

const fileOf = (binding: Binding): string[] =>
  binding.kind === "file" ? [realpathSync(binding.file)] : [];

/** The default engine: ONNX Runtime's CPU provider. Throws EngineError when its package is missing. */
export async function ortEngine(): Promise<Engine> {
  const ort = await loadOrt();
  const { version } = createRequire(import.meta.url)("onnxruntime-node/package.json") as {
    version: string;
  };
  return { name: "ort", version, compile: (graph, options) => compile(ort, graph, options) };
}
