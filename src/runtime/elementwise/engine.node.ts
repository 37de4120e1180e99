/**
 * @file An engine for arithmetic on long arrays, such as an optimiser's step: ONNX Runtime goes through memory once per op
 * and OpenVINO once per few, this one once per loop. What it cannot compute goes to another engine.
 */
import { setImmediate as whenIdle } from "node:timers/promises";
import { assert } from "../../base/index.ts";
import type { Graph, Node, Tensor } from "../../tensor/index.ts";
import { borderName, checkedInput, outputMemory } from "../lowering/border.ts";
import type { Engine, Program, RunOptions, Value } from "../engine.ts";
import { checkOptions } from "../options.ts";
import { loopCompiler, type Numbers, type RunLoop } from "./loops.ts";
import { LoopMemory } from "./memory.ts";
import { operationOf } from "./operations.ts";
import { planOf, type Loop, type Turn } from "./plan.ts";

/** Elements computed between two looks at the event loop: a few milliseconds. */
const stretch = 2 ** 20;

/** Single numbers to compute, then loops. */
interface ReadyTurn {
  readonly scalars: readonly Node[];
  readonly loops: readonly RunLoop[];
}

class ElementwiseProgram implements Program {
  readonly inPlace: boolean;
  readonly #graph: Graph;
  readonly #turns: readonly ReadyTurn[];

  constructor(graph: Graph, turns: readonly Turn[], memory: LoopMemory) {
    this.#graph = graph;
    this.inPlace = readsEachArrayLast(turns.flatMap(({ loops }) => loops));
    const compile = loopCompiler(memory);
    this.#turns = turns.map(({ scalars, loops }) => ({
      scalars,
      loops: loops.map(compile),
    }));
  }

  async run(
    inputs: Readonly<Record<string, Value>>,
    { into, signal }: RunOptions = {},
  ): Promise<Record<string, Value>> {
    const results = [...this.#graph.outputs].map(([name, tensor]) => {
      const memory = outputMemory({ ...specOf(tensor), name: borderName(name) }, into);
      return { name, tensor, memory };
    });
    const numbers = this.#numbers(inputs, results);
    let done = 0;
    for (const { scalars, loops } of this.#turns) {
      for (const node of scalars) computeOne(node, numbers.scalars);
      for (const run of loops)
        for (const elements of run(numbers)) {
          signal?.throwIfAborted();
          done += elements;
          if (done < stretch) continue;
          done = 0;
          await whenIdle();
        }
    }
    for (const { tensor, memory } of results) {
      const made = numbers.scalars.get(tensor);
      const source = made === undefined ? numbers.write.get(tensor) : [made];
      assert(source, "an output was not computed");
      if (source !== memory.data) floats(memory).set(source);
    }
    return Object.fromEntries(results.map(({ name, memory }) => [name, memory]));
  }

  #numbers(
    inputs: Readonly<Record<string, Value>>,
    results: readonly { tensor: Tensor; memory: Value }[],
  ): Numbers {
    const given = this.#graph.inputs.map((tensor) => {
      return [tensor, floats(checkedInput(specOf(tensor), inputs))] as const;
    });
    const single = given.filter(([{ size }]) => size === 1);
    return {
      read: new Map(given),
      write: new Map(results.map(({ tensor, memory }) => [tensor, floats(memory)])),
      scalars: new Map(single.map(([tensor, [number]]) => [tensor, number])),
    };
  }

  [Symbol.asyncDispose](): Promise<void> {
    return Promise.resolve();
  }
}

/** Whether no loop reads an array that a loop before it, which writes, has read: then it may be written there. */
function readsEachArrayLast(loops: readonly Loop[]): boolean {
  return loops.every(({ written, arrays }, i) => {
    const later = new Set(loops.slice(i + 1).flatMap((loop) => loop.arrays));
    return written.length === 0 || !arrays.some((array) => later.has(array));
  });
}

const specOf = ({ dtype, shape, label = "" }: Tensor) => ({ name: label, dtype, shape });

function floats({ data }: Value): Float32Array {
  assert(data instanceof Float32Array, "the elementwise engine computes in f32");
  return data;
}

/** Computes a node of single numbers, rounding as f32 does. */
function computeOne({ op, inputs, attrs, outputs: [y] }: Node, known: Map<Tensor, number>): void {
  if (op === "Input") return;
  if (op === "Constant") {
    known.set(y, Number((attrs as Node<"Constant">["attrs"]).values[0]));
    return;
  }
  const operation = operationOf(op);
  assert(operation, `${op} is not elementwise`);
  const [a = 0, b = 0] = inputs.map((x) => (x ? known.get(x) : 0));
  known.set(y, Math.fround(operation.one(a, b)));
}

/**
 * Computes graphs of elementwise f32 arithmetic and sums over whole arrays by itself, on one thread; `otherwise` computes
 * all else, and whatever has parameters. Runs leave the event loop free every few milliseconds.
 */
export function elementwiseEngine(otherwise: Engine): Engine {
  let memory = LoopMemory.of([]);
  return {
    ...otherwise,
    reserve: (lengths) => {
      const made = LoopMemory.of(lengths);
      memory = made ?? memory;
      return made && lengths.map((length) => made.take(length));
    },
    compile: async (graph, options) => {
      checkOptions(otherwise, options);
      const turns = graph.parameters.length > 0 ? null : planOf(graph);
      if (turns === null || memory === null) return otherwise.compile(graph, options);
      return new ElementwiseProgram(graph, turns, memory);
    },
  };
}
