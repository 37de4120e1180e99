/**
 * @file An engine for arithmetic on long arrays, such as an optimiser's step: ONNX Runtime goes through memory once per op
 * and OpenVINO once per few, this one once per loop. What it cannot compute goes to another engine.
 */
import { availableParallelism } from "node:os";
import type { Engine } from "../engine.ts";
import { checkOptions } from "../options.ts";
import { LoopMemory } from "./memory.ts";
import { planOf } from "./plan.ts";
import { ElementwiseProgram, type Workshop } from "./program.node.ts";
import { Team, worthHelp } from "./team.node.ts";

/**
 * Computes graphs of elementwise f32 arithmetic and sums over whole arrays by itself; `otherwise` computes all else, and
 * whatever has parameters. Runs leave the event loop free every few milliseconds.
 */
export function elementwiseEngine(otherwise: Engine): Engine {
  let workshop = workshopFor([]);
  return {
    ...otherwise,
    reserve: (lengths) => {
      const made = workshopFor(lengths);
      workshop = made ?? workshop;
      return made && lengths.map((length) => made.memory.take(length));
    },
    compile: async (graph, options) => {
      checkOptions(otherwise, options);
      const turns = graph.parameters.length > 0 ? null : planOf(graph);
      if (turns === null || workshop === null) return otherwise.compile(graph, options);
      const { threads = availableParallelism() } = options;
      const { team } = workshop;
      const program = new ElementwiseProgram(graph, turns, workshop, threads);
      const bytes = turns
        .flatMap(({ loops }) => loops)
        .reduce((sum, { size }) => sum + size * 4, 0);
      if (bytes >= worthHelp) await team.start(threads);
      return program;
    },
  };
}

function workshopFor(lengths: readonly number[]): Workshop | null {
  const memory = LoopMemory.of(lengths);
  return memory && { memory, team: new Team(memory) };
}
