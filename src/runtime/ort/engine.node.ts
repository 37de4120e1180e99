/** @file ONNX Runtime behind the engine's contract. */
import { parse, relative } from "node:path";
import { assert, EngineError } from "../../base/index.ts";
import { identityOf } from "../../formats/index.ts";
import type { Graph } from "../../tensor/index.ts";
import { checkedInput, outputMemory, outputName } from "../lowering/border.ts";
import type { Binding, CompileOptions, Engine, Program, RunOptions, Value } from "../engine.ts";
import { lowerGraph, type LoweredModel } from "../lowering/model.ts";
import { checkOptions } from "../options.ts";
import { OrtApi, type SessionOptions } from "./api.node.ts";
import { ortKernels } from "../lowering/ort-kernels.ts";
import { widenBindings } from "../cache/twin.node.ts";

type Handle = bigint;

class OrtProgram implements Program {
  readonly #api: OrtApi;
  readonly #model: LoweredModel;
  #session: Handle | null;
  readonly #running = new Set<Promise<unknown>>();

  constructor(api: OrtApi, session: Handle, model: LoweredModel) {
    this.#api = api;
    this.#session = session;
    this.#model = model;
  }

  async run(
    inputs: Readonly<Record<string, Value>>,
    options: RunOptions = {},
  ): Promise<Record<string, Value>> {
    const session = this.#session;
    assert(session !== null, "a disposed program was run");
    options.signal?.throwIfAborted();
    const { inputs: wanted, outputs } = this.#model;
    const given = new Map(wanted.map((spec) => [spec.name, checkedInput(spec, inputs)]));
    const results = new Map(outputs.map((spec) => [spec.name, outputMemory(spec, options.into)]));
    const running = this.#runOn(session, { inputs: given, outputs: results }, options.signal);
    this.#running.add(running);
    await running.finally(() => this.#running.delete(running));
    return Object.fromEntries(
      outputs.map((spec) => [outputName(spec), results.get(spec.name) as Value]),
    );
  }

  async #runOn(
    session: Handle,
    { inputs, outputs }: Record<"inputs" | "outputs", ReadonlyMap<string, Value>>,
    signal: AbortSignal | undefined,
  ): Promise<void> {
    const api = this.#api;
    const sides = { inputs: new Map<string, Handle>(), outputs: new Map<string, Handle>() };
    const options = api.createRunOptions();
    const stop = () => api.check(api.function("setTerminate")(options));
    signal?.addEventListener("abort", stop);
    try {
      // One by one: those that were made are released even if one cannot be.
      for (const [name, v] of inputs)
        sides.inputs.set(name, api.createTensor(v.dtype, v.shape, v.data));
      for (const [name, v] of outputs)
        sides.outputs.set(name, api.createTensor(v.dtype, v.shape, v.data));
      await api.run(session, options, sides, [inputs, outputs]);
    } catch (error) {
      signal?.throwIfAborted();
      throw error;
    } finally {
      signal?.removeEventListener("abort", stop);
      for (const side of [sides.inputs, sides.outputs])
        for (const handle of side.values()) api.function("releaseValue")(handle);
      api.function("releaseRunOptions")(options);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const session = this.#session;
    this.#session = null;
    await Promise.allSettled(this.#running);
    if (session !== null) this.#api.function("releaseSession")(session);
  }
}

/** Root of the file system that holds the files: external data must lie below the folder ONNX Runtime is told. */
function rootOf(files: readonly string[]): string {
  const roots = new Set(files.map((file) => parse(file).root));
  if (roots.size > 1)
    throw new EngineError(`weights lie on several drives: ${[...roots].join(", ")}`);
  return [...roots][0] ?? parse(process.cwd()).root;
}

/** Paths behind all links, by those that are bound. */
async function realPaths(bindings: readonly Binding[]): Promise<ReadonlyMap<string, string>> {
  const files = bindings.flatMap((binding) => (binding.kind === "file" ? [binding.file] : []));
  const paths = new Map<string, string>();
  for (const file of new Set(files)) paths.set(file, (await identityOf(file)).path);
  return paths;
}

function sessionOptions({ mode = "fast", threads }: CompileOptions, root: string): SessionOptions {
  const lean = mode === "lean";
  return {
    threads,
    level: lean ? "extended" : "all",
    config: {
      "session.model_external_initializers_file_folder_path": root,
      // Waiting threads sleep: spinning takes the core from its other users, and from its own sibling (decision 0002).
      "session.intra_op.allow_spinning": "0",
      // Packed copies of the weights are private memory: lean mode leaves them in the mapped file.
      ...(lean ? { "session.disable_prepacking": "1" } : {}),
    },
  };
}

async function compile(api: OrtApi, graph: Graph, options: CompileOptions): Promise<Program> {
  checkOptions(traits, options);
  const bind = await widenBindings(graph, options.bind);
  const paths = await realPaths(graph.parameters.map(bind));
  const root = rootOf([...paths.values()]);
  const model = lowerGraph(graph, {
    bind,
    kernels: ortKernels,
    locate: (file) => relative(root, paths.get(file) ?? file),
  });
  const session = await api.createSession(model.bytes, sessionOptions(options, root));
  return new OrtProgram(api, session, model);
}

const traits = { name: "ort", precisions: ["f32"] } as const;
let loaded: OrtApi | null = null;

/** The default engine: ONNX Runtime's CPU provider. Rejects with EngineError when its library is missing. */
export function ortEngine(): Promise<Engine> {
  return Promise.resolve().then(() => {
    // One environment per thread: the library keeps its own count, and making one takes milliseconds.
    const api = (loaded ??= new OrtApi());
    return {
      ...traits,
      version: api.version,
      compile: (graph, options) => compile(api, graph, options),
    };
  });
}
