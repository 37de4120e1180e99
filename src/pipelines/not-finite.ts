/** @file Numbers that are no numbers: finding the module that made the first one. */
import { EngineError } from "../base/index.ts";
import type { Value } from "../runtime/index.ts";
import { graphOf, type Graph, type Node, type Tensor } from "../tensor/index.ts";

/** Whether every number is finite. */
export function isFiniteArray(data: ArrayLike<number>): boolean {
  for (let i = 0; i < data.length; i++) if (!Number.isFinite(data[i])) return false;
  return true;
}

/** A network's output as a graph, and a way to run other graphs over the same inputs. */
export interface Suspect {
  readonly trace: () => Tensor;
  readonly run: (graph: Graph) => Promise<Readonly<Record<string, Value>>>;
}

/**
 * The path of the first module whose output is not finite, in the order of computation, or null if all are finite.
 * Runs the network once more with the last value of every module as an output of the graph.
 */
export async function firstNotFinite({ trace, run }: Suspect): Promise<string | null> {
  const { nodes } = graphOf({ output: trace() });
  const last = new Map<string, Node>();
  for (const node of nodes)
    if (node.scope !== "" && node.outputs[0].dtype === "f32") last.set(node.scope, node);
  const ends = new Set(last.values());
  const modules = nodes.filter((node) => ends.has(node));
  const outputs = await run(
    graphOf(Object.fromEntries(modules.map(({ outputs: [tensor] }, i) => [`${i}`, tensor]))),
  );
  const index = modules.findIndex((_, i) => !isFiniteArray(outputs[`${i}`].data as Float32Array));
  return index < 0 ? null : modules[index].scope;
}

/** The error that says which step and which module. */
export async function notFiniteError(step: string, suspect: Suspect): Promise<EngineError> {
  const path = await firstNotFinite(suspect);
  const where = path === null ? "" : `; the first module whose output is not finite is ${path}`;
  return new EngineError(`${step}: the network's output is not finite${where}`, {
    hint: "the weights may be damaged or too large for f32; try another copy of the model",
  });
}
