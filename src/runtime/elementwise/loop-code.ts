/** @file A loop of a plan as WebAssembly: four elements at a time, everything between reading and writing in registers. */
import { assert } from "../../base/index.ts";
import type { Tensor } from "../../tensor/index.ts";
import { f32, f64, get, i32, moduleOf, repeatWhile, set, types } from "./code.ts";
import { operationOf } from "./operations.ts";
import type { Loop } from "./plan.ts";

/**
 * The module of a loop. `run(bytes, sums, …addresses, …scalars)` computes so many bytes of every array, from where those that are
 * read and then those that are written lie, each of which reaches to the next multiple of 16 bytes. It leaves the sums over
 * them at the address `sums`, as f64.
 */
export function loopModule(loop: Loop): Uint8Array<ArrayBuffer> {
  const numbers = new Map<Tensor, number>();
  const arrays = loop.arrays.length + loop.written.length;
  const firstArray = 2;
  const firstScalar = firstArray + arrays;
  const takes = [
    ...Array<number>(firstScalar).fill(types.i32),
    ...loop.scalars.map(() => types.f32),
  ];
  const [bytes, sumsAt, at] = [0, 1, takes.length];
  let next = at + 1;
  const nameFor = (tensor: Tensor) => {
    numbers.set(tensor, next);
    return next++;
  };
  const of = (tensor: Tensor) => {
    const number = numbers.get(tensor);
    assert(number !== undefined, "a loop computes operands first");
    return get(number);
  };
  const address = (slot: number) => [...get(firstArray + slot), ...get(at), ...i32.add];
  const splats = loop.scalars.flatMap((scalar, i) => [
    ...[...get(firstScalar + i), ...f32.splat, ...set(nameFor(scalar))],
  ]);
  const reads = loop.arrays.flatMap((array, i) => [
    ...[...address(i), ...f32.load(0), ...set(nameFor(array))],
  ]);
  const computes = loop.nodes.flatMap(({ op, inputs, outputs: [y] }) => {
    const operation = operationOf(op);
    assert(operation, `a loop cannot compute ${op}`);
    const operands = inputs.flatMap((x) => (x ? of(x) : []));
    return [...operands, ...f32.four(operation.four), ...set(nameFor(y))];
  });
  const writes = loop.written.flatMap((array, i) => [
    ...[...address(loop.arrays.length + i), ...of(array), ...f32.store(0)],
  ]);
  const sums = loop.sums.map(({ array }, i) => ({ array, total: next + i }));
  const masked = next + sums.length;
  const adds = sums.flatMap(({ array, total }) => [
    ...[...of(array), ...withinMask(at, bytes), ...f32.and, ...set(masked)],
    ...addTo(total, masked),
  ]);
  const leaves = sums.flatMap(({ total }, i) => [
    ...[...get(sumsAt), ...get(total), ...f64.lane(0), ...get(total), ...f64.lane(1)],
    ...[...f64.add, ...f64.store(8 * i)],
  ]);
  const onward = [...get(at), ...i32.constant(16), ...i32.add, ...set(at)];
  const body = [...reads, ...computes, ...writes, ...adds, ...onward];
  const more = [...get(at), ...get(bytes), ...i32.less];
  return moduleOf({
    takes,
    locals: [
      [1, types.i32],
      [masked + 1 - (at + 1), types.v128],
    ],
    code: [...splats, ...repeatWhile(body, more), ...leaves],
  });
}

/** All ones in those of the four elements at `at` that lie before `bytes`, zeros in the others. */
const withinMask = (at: number, bytes: number): number[] => [
  ...[...get(at), ...i32.splat, ...i32.multiple(0, 4, 8, 12), ...i32.addFour],
  ...[...get(bytes), ...i32.splat, ...i32.lessOfFour],
];

/** Adds four f32 to a local that holds two f64. */
const addTo = (total: number, four: number): number[] => [
  ...[...get(total), ...get(four), ...f64.ofLower, ...f64.addTwo],
  ...[...get(four), ...get(four), ...f32.upper, ...f64.ofLower, ...f64.addTwo, ...set(total)],
];
