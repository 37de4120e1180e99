/** @file A plan made ready to run: tensors become places in lists, once, and loops become code. */
import { assert } from "../../base/index.ts";
import type { Graph, Node, Tensor } from "../../tensor/index.ts";
import type { ReadyLoop } from "./loops.ts";
import { operationOf, type Operation } from "./operations.ts";
import type { Loop, Turn } from "./plan.ts";

/** The arithmetic of single numbers: `to` = `one` of those at `a` and `b`, rounded as f32 does. */
export interface ScalarStep {
  readonly one: Operation["one"];
  readonly a: number;
  readonly b: number;
  readonly to: number;
}

/** Single numbers to compute, then loops that may need them. */
export interface ReadyTurn {
  readonly scalars: readonly ScalarStep[];
  readonly loops: readonly ReadyLoop[];
}

/** A plan whose tensors are known by places. */
export interface Ready {
  readonly turns: readonly ReadyTurn[];
  /** Single numbers that are known before a run, zeros at the other places. */
  readonly scalars: readonly number[];
  /** Where an input of one number goes, by its place among the inputs; undefined for arrays. */
  readonly told: readonly (number | undefined)[];
  /** Where an output's numbers are: a single one, or the array that is written, by the place of the output that owns it. */
  readonly made: readonly { readonly kind: "scalar" | "array"; readonly place: number }[];
}

/** Places in a list, given out as they are asked for. */
class Places {
  readonly #known = new Map<Tensor, number>();
  of(tensor: Tensor): number {
    const place = this.#known.get(tensor) ?? this.#known.size;
    this.#known.set(tensor, place);
    return place;
  }
  get count(): number {
    return this.#known.size;
  }
}

/** Makes a plan of a graph ready; `codeOf` keeps a loop's code and tells its place. */
export function readyPlan(
  graph: Graph,
  turns: readonly Turn[],
  codeOf: (loop: Loop) => number,
): Ready {
  const inputs = new Map(graph.inputs.map((tensor, place) => [tensor, place]));
  const outputs = [...graph.outputs.values()];
  const scalars = new Places();
  const knownBefore = new Map<number, number>();
  const input = (tensor: Tensor) => {
    const place = inputs.get(tensor);
    assert(place !== undefined, "a loop reads what is no input");
    return place;
  };
  const steps = ({ op, inputs: operands, attrs, outputs: [y] }: Node): ScalarStep[] => {
    const to = scalars.of(y);
    if (op === "Input") return [];
    if (op === "Constant") {
      knownBefore.set(to, Number((attrs as Node<"Constant">["attrs"]).values[0]));
      return [];
    }
    const operation = operationOf(op);
    assert(operation, `${op} is not elementwise`);
    const [a = 0, b = 0] = operands.map((x) => (x ? scalars.of(x) : 0));
    return [{ one: operation.one, a, b, to }];
  };
  const loop = (its: Loop): ReadyLoop => ({
    code: codeOf(its),
    size: its.size,
    reads: its.arrays.map(input),
    writes: its.written.map((tensor) => outputs.indexOf(tensor)),
    scalars: its.scalars.map((tensor) => scalars.of(tensor)),
    sums: its.sums.map(({ sum }) => scalars.of(sum)),
  });
  const made = turns.map((turn) => ({
    scalars: turn.scalars.flatMap(steps),
    loops: turn.loops.map(loop),
  }));
  const told = graph.inputs.map((tensor) => (tensor.size === 1 ? scalars.of(tensor) : undefined));
  const results = outputs.map((tensor): Ready["made"][number] =>
    tensor.size === 1
      ? { kind: "scalar", place: scalars.of(tensor) }
      : { kind: "array", place: outputs.indexOf(tensor) },
  );
  // Now all that have places are known.
  const before = Array.from({ length: scalars.count }, (_, place) => knownBefore.get(place) ?? 0);
  return { turns: made, scalars: before, told, made: results };
}
