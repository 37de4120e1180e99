/** @file A graph of elementwise arithmetic that runs in loops. */
import { setImmediate as whenIdle } from "node:timers/promises";
import { assert } from "../../base/index.ts";
import type { Graph, Tensor } from "../../tensor/index.ts";
import type { Program, RunOptions, Value } from "../engine.ts";
import { borderName, checkedInput, outputMemory } from "../lowering/border.ts";
import { loopModule } from "./loop-code.ts";
import { keepSums, runPiecewise, stretchesOf, type Numbers, type ReadyLoop } from "./loops.ts";
import type { LoopMemory } from "./memory.ts";
import type { Loop, Turn } from "./plan.ts";
import { readyPlan, type Ready, type ScalarStep } from "./ready.ts";
import type { Stretch } from "./stretch.ts";
import type { Team } from "./team.node.ts";

/** Where loops compute, and who does. */
export interface Workshop {
  readonly memory: LoopMemory;
  readonly team: Team;
}

/** Elements computed piece by piece between two looks at the event loop: a few milliseconds. */
const pause = 2 ** 20;

const specOf = ({ dtype, shape }: Tensor, name: string) => ({ name, dtype, shape });

/** Runs the turns of a plan, on as many threads as it is told. */
export class ElementwiseProgram implements Program {
  readonly inPlace: boolean;
  readonly #inputs: readonly ReturnType<typeof specOf>[];
  readonly #outputs: readonly { name: string; spec: ReturnType<typeof specOf> }[];
  readonly #ready: Ready;
  readonly #workshop: Workshop;
  readonly #threads: number;
  readonly #held: AsyncDisposable;
  #isDisposed = false;
  #running: Promise<unknown> = Promise.resolve();

  constructor(graph: Graph, turns: readonly Turn[], workshop: Workshop, threads: number) {
    this.#held = workshop.team.hold();
    this.inPlace = readsEachArrayLast(turns.flatMap(({ loops }) => loops));
    this.#inputs = graph.inputs.map((tensor) => specOf(tensor, tensor.label ?? ""));
    this.#outputs = [...graph.outputs].map(([name, tensor]) => {
      return { name, spec: specOf(tensor, borderName(name)) };
    });
    this.#ready = readyPlan(graph, turns, (loop) => workshop.team.codeOf(loopModule(loop)));
    this.#workshop = workshop;
    this.#threads = threads;
  }

  async run(
    inputs: Readonly<Record<string, Value>>,
    options: RunOptions = {},
  ): Promise<Record<string, Value>> {
    assert(!this.#isDisposed, "a disposed program was run");
    const running = this.#compute(inputs, options);
    this.#running = Promise.allSettled([this.#running, running]);
    return running;
  }

  async #compute(
    inputs: Readonly<Record<string, Value>>,
    { into, signal }: RunOptions,
  ): Promise<Record<string, Value>> {
    signal?.throwIfAborted();
    const { turns, made } = this.#ready;
    const results = this.#outputs.map(({ spec }) => outputMemory(spec, into));
    const numbers = this.#numbers(inputs, results);
    for (const { scalars, loops } of turns) {
      for (const step of scalars) computeOne(step, numbers.scalars);
      const outside = await this.#runInside(loops, numbers, signal);
      await this.#runOutside(outside, numbers, signal);
    }
    made.forEach(({ kind, place }, i) => {
      const source = kind === "scalar" ? [numbers.scalars[place]] : numbers.write[place];
      if (source !== numbers.write[i]) numbers.write[i].set(source);
    });
    return Object.fromEntries(this.#outputs.map(({ name }, i) => [name, results[i]]));
  }

  #numbers(inputs: Readonly<Record<string, Value>>, results: readonly Value[]): Numbers {
    const read = this.#inputs.map((spec) => floats(checkedInput(spec, inputs)));
    const scalars = [...this.#ready.scalars];
    this.#ready.told.forEach((place, i) => {
      if (place !== undefined) [scalars[place]] = read[i];
    });
    return { read, write: results.map(floats), scalars };
  }

  /** Computes the loops whose arrays all lie in the memory, all together, and returns the others. */
  async #runInside(
    loops: readonly ReadyLoop[],
    numbers: Numbers,
    signal: AbortSignal | undefined,
  ): Promise<ReadyLoop[]> {
    const { memory, team } = this.#workshop;
    const parts = loops.map((loop) => stretchesOf(loop, memory, numbers));
    const stretches = parts.flatMap((its) => its ?? []);
    const threads = this.#threads;
    const sums = await team.compute(stretches, { threads, ...(signal && { signal }) });
    const outside: ReadyLoop[] = [];
    let from = 0;
    for (const [i, loop] of loops.entries()) {
      const own = parts[i];
      if (own === null) outside.push(loop);
      else keepSums(loop, sums.slice(from, (from += own.length)), numbers);
    }
    return outside;
  }

  async #runOutside(
    loops: readonly ReadyLoop[],
    numbers: Numbers,
    signal: AbortSignal | undefined,
  ): Promise<void> {
    const { memory, team } = this.#workshop;
    const run = (stretch: Stretch) => team.run(stretch);
    let done = 0;
    for (const loop of loops) {
      const parts = runPiecewise(loop, { memory, run }, numbers);
      let turn = parts.next();
      for (; !turn.done; turn = parts.next()) {
        signal?.throwIfAborted();
        done += turn.value;
        if (done < pause) continue;
        done = 0;
        await whenIdle();
      }
      keepSums(loop, turn.value, numbers);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isDisposed = true;
    await this.#running;
    await this.#held[Symbol.asyncDispose]();
  }
}

function computeOne({ one, a, b, to }: ScalarStep, scalars: number[]): void {
  scalars[to] = Math.fround(one(scalars[a], scalars[b]));
}

/** Whether no loop reads an array that a loop before it, which writes, has read: then it may be written there. */
function readsEachArrayLast(loops: readonly Loop[]): boolean {
  return loops.every(({ written, arrays }, i) => {
    const later = new Set(loops.slice(i + 1).flatMap((loop) => loop.arrays));
    return written.length === 0 || !arrays.some((array) => later.has(array));
  });
}

function floats({ data }: Value): Float32Array {
  assert(data instanceof Float32Array, "the elementwise engine computes in f32");
  return data;
}
