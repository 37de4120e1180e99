/** @file OpenVINO behind the engine's contract. */
import { assert, EngineError } from "../../base/index.ts";
import { graphOf, input, type Graph, type Tensor, type Values } from "../../tensor/index.ts";
import { checkedInput, outputMemory, outputName } from "../lowering/border.ts";
import type { Binding, CompileOptions, Engine, Program, RunOptions, Value } from "../engine.ts";
import { exactPart } from "./exact-part.ts";
import { lowerGraph, type LoweredModel } from "../lowering/model.ts";
import { compileCached, type Lowering } from "./cached.node.ts";
import { openVinoApi, type Compiled, type OpenVinoApi, type Properties } from "./api.node.ts";
import { openVinoKernels } from "./kernels.ts";
import { howToInstallOpenVino, locateOpenVino, refuseGone } from "./library.node.ts";
import { gatherWeights } from "./weights.node.ts";
import { checkOptions } from "../options.ts";
import { widenBindings } from "../cache/twin.node.ts";

class OpenVinoProgram implements Program {
  readonly #api: OpenVinoApi;
  readonly #model: LoweredModel;
  /** Computes in f32 what the model is given beside its inputs. */
  readonly #before: Program | null;
  #compiled: Compiled | null;
  /** The arrays that the request points at: kept, so that none of their addresses comes to mean another. */
  readonly #placed: Record<"input" | "output", Values[]> = { input: [], output: [] };
  /** A request holds the memory of one run: the runs of a program follow each other. */
  #last: Promise<unknown> = Promise.resolve();

  constructor(
    api: OpenVinoApi,
    {
      compiled,
      model,
      before,
    }: { compiled: Compiled; model: LoweredModel; before: Program | null },
  ) {
    this.#api = api;
    this.#before = before;
    this.#compiled = compiled;
    this.#model = model;
  }

  async run(
    inputs: Readonly<Record<string, Value>>,
    options: RunOptions = {},
  ): Promise<Record<string, Value>> {
    const compiled = this.#compiled;
    assert(compiled !== null, "a disposed program was run");
    // What comes before is part of the turn: disposing waits for the last turn.
    const running = this.#last.then(() => this.#turn(compiled, inputs, options));
    this.#last = running.catch(() => undefined);
    return running;
  }

  async #turn(
    compiled: Compiled,
    inputs: Readonly<Record<string, Value>>,
    { into, signal }: RunOptions,
  ): Promise<Record<string, Value>> {
    signal?.throwIfAborted();
    const before = await this.#before?.run(inputs, signal ? { signal } : {});
    const given = { ...inputs, ...before };
    const { inputs: wanted, outputs } = this.#model;
    const results = outputs.map((spec) => outputMemory(spec, into));
    await this.#runOn(
      compiled,
      { inputs: wanted.map((spec) => checkedInput(spec, given)), outputs: results },
      signal,
    );
    return Object.fromEntries(outputs.map((spec, i) => [outputName(spec), results[i]]));
  }

  /** A step of training gives hundreds of arrays that were given to the step before. Shape and dtype are the model's, so the same array is the same tensor. */
  #place(compiled: Compiled, [side, index]: ["input" | "output", number], value: Value): void {
    const placed = this.#placed[side];
    if (placed[index] === value.data) return;
    this.#api.place(compiled, [side, index], value);
    placed[index] = value.data;
  }

  async #runOn(
    compiled: Compiled,
    { inputs, outputs }: Record<"inputs" | "outputs", readonly Value[]>,
    signal: AbortSignal | undefined,
  ): Promise<void> {
    signal?.throwIfAborted();
    const api = this.#api;
    inputs.forEach((v, i) => this.#place(compiled, ["input", i], v));
    outputs.forEach((v, i) => this.#place(compiled, ["output", i], v));
    // A run that the pool has not begun yet cannot be cancelled: it is asked again until it ends.
    let asking: NodeJS.Timeout | undefined;
    const stop = () => {
      api.cancel(compiled);
      asking = setInterval(() => api.cancel(compiled), 5);
    };
    signal?.addEventListener("abort", stop);
    try {
      await api.infer(compiled, [inputs, outputs]);
    } catch (error) {
      signal?.throwIfAborted();
      throw error;
    } finally {
      clearInterval(asking);
      signal?.removeEventListener("abort", stop);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const compiled = this.#compiled;
    this.#compiled = null;
    await this.#last;
    await this.#before?.[Symbol.asyncDispose]();
    if (compiled !== null) this.#api.release(compiled);
    for (const arrays of Object.values(this.#placed)) arrays.length = 0;
  }
}

function propertiesOf({ threads, precision = "f32" }: CompileOptions): Properties {
  return {
    PERFORMANCE_HINT: "LATENCY",
    INFERENCE_PRECISION_HINT: precision,
    // A thread that is bound to a core waits there for the core's other users.
    ENABLE_CPU_PINNING: "NO",
    ...(threads === undefined ? {} : { INFERENCE_NUM_THREADS: String(threads) }),
  };
}

const filesOf = (graph: Graph, bind: CompileOptions["bind"]): string[] =>
  graph.parameters.map(bind).flatMap((b: Binding) => (b.kind === "file" ? [b.file] : []));

/** Weights in files are mapped when the model is read, so their temporary names may go at once. */
async function read(
  api: OpenVinoApi,
  graph: Graph,
  { bind, given }: Lowering,
): Promise<[model: bigint, lowered: LoweredModel]> {
  const files = filesOf(graph, bind);
  const lower = (locate: (file: string) => string) =>
    lowerGraph(graph, { bind, kernels: openVinoKernels, locate, given });
  if (files.length === 0) {
    const lowered = lower((file) => file);
    return [await api.readModel(lowered.bytes), lowered];
  }
  await using gathered = await gatherWeights(files);
  const lowered = lower(gathered.nameOf);
  return [await api.readModel(await gathered.write(lowered.bytes)), lowered];
}

/**
 * 2026.4 loses its order of the nodes while it fuses some gradients ("Topological order is required, but not set"): such
 * a graph is compiled again without fusing subgraphs, which then are computed op by op.
 */
async function compileFused(
  api: OpenVinoApi,
  model: bigint,
  properties: Properties,
): Promise<Compiled> {
  try {
    return await api.compile(model, properties);
  } catch (error) {
    if (!(error instanceof EngineError) || !error.message.includes("TokenizeSnippets")) throw error;
    return api.compile(model, { ...properties, SNIPPETS_MODE: "DISABLE" });
  }
}

async function compile(api: OpenVinoApi, graph: Graph, options: CompileOptions): Promise<Program> {
  const exact = options.precision === "bf16" ? exactPart(graph) : new Map<Tensor, string>();
  const before =
    exact.size > 0
      ? await compile(api, graphOf(Object.fromEntries([...exact].map(([x, name]) => [name, x]))), {
          ...options,
          precision: "f32",
          cache: "none", // it is small, and compiled as fast as found
        })
      : null;
  try {
    const bind = await widenBindings(graph, options.bind);
    const how = { bind, given: exact, properties: propertiesOf(options) };
    const cached = options.cache === "disk" ? await compileCached(api, graph, how) : null;
    const { compiled, lowered } = cached ?? (await compileFresh(api, graph, how));
    try {
      checkSides(api, compiled, lowered);
    } catch (error) {
      api.release(compiled);
      throw error;
    }
    return new OpenVinoProgram(api, { compiled, model: lowered, before });
  } catch (error) {
    await before?.[Symbol.asyncDispose]();
    throw error;
  }
}

/** Inputs and outputs are told apart by their places: were one missing, numbers would land in another. */
function checkSides(api: OpenVinoApi, compiled: Compiled, lowered: LoweredModel): void {
  const [inputs, outputs] = api.sizes(compiled);
  if (inputs === lowered.inputs.length && outputs === lowered.outputs.length) return;
  const known = `${lowered.inputs.length} and ${lowered.outputs.length}`;
  assert(false, `OpenVINO sees ${inputs} inputs and ${outputs} outputs of ${known}`);
}

async function compileFresh(
  api: OpenVinoApi,
  graph: Graph,
  how: Lowering & { properties: Properties },
): Promise<{ compiled: Compiled; lowered: LoweredModel }> {
  const [model, lowered] = await read(api, graph, how);
  try {
    return { compiled: await compileFused(api, model, how.properties), lowered };
  } finally {
    api.releaseModel(model);
  }
}

/** What reads models is a library of its own, loaded when it is needed: whether it is there must be known before. */
async function requireReading(api: OpenVinoApi): Promise<void> {
  const { bytes } = lowerGraph(graphOf({ y: input("x", [1]).neg() }), {
    bind: () => ({ kind: "input" }),
    ...{ kernels: openVinoKernels, locate: (file: string) => file, given: new Map() },
  });
  try {
    api.releaseModel(await api.readModel(bytes));
  } catch (cause) {
    refuseGone(api.found, cause);
    const { version, folder } = api.found;
    throw new EngineError(`OpenVINO ${version} in ${folder} reads no ONNX models`, {
      hint: howToInstallOpenVino,
      cause,
    });
  }
}

/** The fast engine for CPUs: OpenVINO. Rejects with EngineError when its library is missing, broken or too old. */
export function openVinoEngine(): Promise<Engine> {
  return Promise.resolve().then(async () => {
    const place = locateOpenVino();
    if (place === null)
      throw new EngineError("OpenVINO is not installed", { hint: howToInstallOpenVino });
    const api = openVinoApi(place);
    const traits = { name: "openvino", precisions: api.precisions() };
    await requireReading(api);
    return {
      ...traits,
      version: api.found.version,
      compile: async (graph, options) => {
        checkOptions(traits, options);
        return compile(api, graph, options);
      },
    };
  });
}
