/** @file A UNet made into the samplers' `Predict`: inputs in, guided output out, and a word about numbers that are none. */
import { assert, hostArray, type HostArray } from "../base/index.ts";
import { isFiniteArray, value, type RunOptions, type Value } from "../runtime/index.ts";
import { guide, type Predict } from "../schedulers/index.ts";
import { graphOf, type Tensor } from "../tensor/index.ts";
import { GraphRunner, type Weights } from "./programs/graph-runner.ts";
import { notFiniteError, type Suspect } from "./not-finite.ts";

/** A network at fixed shapes: how it is traced and what it is given beside `sample` and `timestep`. */
export interface TracedNetwork {
  /** Names the network in errors. */
  readonly what: string;
  readonly weights: Weights;
  /** Traces the output from inputs `sample`, `timestep` and those of `constants`. */
  readonly trace: () => Tensor;
  /** Inputs that stay the same from step to step. */
  readonly constants: Readonly<Record<string, Value>>;
}

/** Guidance over rows [negative, positive]; null where rows are positive only. */
export interface GuidanceRows {
  readonly scale: number;
  readonly rescale: number;
}

/** A compiled network, alive until disposed. */
export interface Predictor extends AsyncDisposable {
  readonly predict: Predict;
  /** Bytes that the first call will take. */
  readonly pending: number;
}

/** Compiles a network. Throws NotFiniteError in the first step whose output is not finite, naming the module. */
export async function predictorOf(
  runner: GraphRunner,
  network: TracedNetwork,
  { guidance, signal }: { guidance: GuidanceRows | null; signal: AbortSignal | null },
): Promise<Predictor> {
  const graph = graphOf({ output: network.trace() });
  const lease = await runner.borrow(network.what, graph, network.weights);
  let calls = 0;
  const predict: Predict = async (x, timestep) => {
    calls += 1;
    const inputs = inputsOf(x, timestep, network.constants);
    const { output } = await lease.program.run(inputs, runOptions(signal));
    const numbers = output.data as Float32Array;
    if (!isFiniteArray(numbers)) {
      const step = `step ${calls}${isFiniteArray(x.data) ? "" : " (whose latents are not finite)"}`;
      throw await notFiniteError(step, suspectOf(runner, network, inputs));
    }
    const rows = hostArray(numbers, output.shape);
    return guidance ? guided(rows, guidance) : rows;
  };
  return {
    predict,
    pending: lease.pending,
    [Symbol.asyncDispose]: () => lease[Symbol.asyncDispose](),
  };
}

/** How a program is run that a signal may stop. */
export function runOptions(signal: AbortSignal | null): RunOptions {
  return signal === null ? {} : { signal };
}

function inputsOf(
  sample: HostArray,
  timestep: number,
  constants: Readonly<Record<string, Value>>,
): Record<string, Value> {
  const times = new Float32Array(sample.shape[0]).fill(timestep);
  return {
    ...constants,
    sample: value(sample.data, sample.shape),
    timestep: value(times, [times.length]),
  };
}

function suspectOf(
  runner: GraphRunner,
  { what, weights, trace }: TracedNetwork,
  inputs: Readonly<Record<string, Value>>,
): Suspect {
  return {
    trace,
    inputs,
    run: async (graph) => {
      // Parts of the network, once: nothing to be kept on disk.
      await using own = new GraphRunner({ ...runner.options, cache: "none" });
      await using lease = await own.borrow(what, graph, weights);
      return await lease.program.run(inputs);
    },
  };
}

function guided({ data, shape }: HostArray, { scale, rescale }: GuidanceRows): HostArray {
  const [rows, ...rest] = shape;
  assert(rows % 2 === 0, `${rows} rows of negative and positive`);
  const half = data.length / 2;
  const part = (start: number) =>
    hostArray(data.subarray(start, start + half), [rows / 2, ...rest]);
  return guide({ unconditional: part(0), conditional: part(half) }, { scale, rescale });
}
