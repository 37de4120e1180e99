/** @file What a gradient is: sums over paths, zeros without one, closed under nesting, exact at kinks, deep graphs. */
import { expect, test } from "vitest";
import { evaluate } from "../../tests/reference/evaluate.ts";
import { ortEngine, value } from "../runtime/index.ts";
import {
  clamp,
  detach,
  graphOf,
  input,
  layerNorm,
  norm,
  parameter,
  print,
  relu,
  silu,
  within,
  type Tensor,
} from "../tensor/index.ts";
import { grad, pullback } from "./index.ts";

/** Gradient of Σ f(x), as plain numbers. */
async function slope(f: (x: Tensor) => Tensor, at: readonly number[]): Promise<number[]> {
  const x = input("x", [at.length]);
  const [g] = grad(f(x).sum(), [x]);
  const { g: result } = await evaluate({ g }, { x: value(at, [at.length]) });
  return Array.from(result.data, Number);
}

test("paths add up, and what has no path gets zeros", async () => {
  const [x, lonely] = [input("x", [2]), input("lonely", [2, 3])];
  const [dx, none] = grad(x.mul(x).add(x).sum(), [x, lonely]); // 2x + 1
  const results = await evaluate({ dx, none }, { x: value([3, -1], [2]) });
  expect([...results.dx.data]).toEqual([7, -1]);
  expect(results.none.shape).toEqual([2, 3]);
  expect([...results.none.data]).toEqual([0, 0, 0, 0, 0, 0]);
});

test("an intermediate tensor can be differentiated for, together with what it comes from", async () => {
  const x = input("x", [1]);
  const y = x.mul(3);
  const [dy, dx] = grad(y.mul(y).sum(), [y, x]);
  const results = await evaluate({ dy, dx }, { x: value([2], [1]) });
  expect([results.dy.data[0], results.dx.data[0]]).toEqual([12, 36]);
});

test("gradients nest: the fourth derivative of x⁵ is 120 x", async () => {
  const x = input("x", [1]);
  let y = x.mul(x).mul(x).mul(x).mul(x).sum();
  for (let order = 0; order < 4; order++) {
    const [next] = grad(y, [x]);
    y = next.sum();
  }
  const { d } = await evaluate({ d: y }, { x: value([2], [1]) });
  expect(d.data[0]).toBe(240);
});

test("kinks are decided as PyTorch decides them", async () => {
  expect(await slope(relu, [-1, 0, 2])).toEqual([0, 0, 1]);
  expect(await slope((x) => x.abs(), [-1, 0, 2])).toEqual([-1, 0, 1]);
  expect(await slope((x) => clamp(x, { min: 0, max: 1 }), [-1, 0, 0.5, 1, 2])).toEqual([
    0, 1, 1, 1, 0,
  ]);
  expect(await slope((x) => x.max(1), [0, 1, 2])).toEqual([0, 0.5, 1]);
  expect(await slope((x) => x.reduceMax([0]), [5, 1, 5])).toEqual([0.5, 0, 0.5]);
  expect(await slope(norm, [0, 0])).toEqual([0, 0]);
  expect(await slope((x) => x.pow(x.mul(0).add(2)), [0, 3])).toEqual([0, 6]);
});

test("rows looked up thousands of times get every gradient, however many threads run", async () => {
  const [rows, width, lookUps] = [50, 192, 5000];
  const [table, ids] = [input("table", [rows, width]), input("ids", [lookUps], "i64")];
  const [g] = grad(table.gather(ids).sum(), [table]);
  const engine = await ortEngine();
  const options = { bind: () => ({ kind: "input" }) as const, threads: 2 };
  await using program = await engine.compile(graphOf({ g }), options);
  const inputs = {
    ids: value(
      BigInt64Array.from({ length: lookUps }, (_, i) => BigInt(i % rows)),
      [lookUps],
      "i64",
    ),
  };
  for (let run = 0; run < 60; run++) {
    const { g: result } = await program.run(inputs);
    expect(new Set(result.data as Float32Array)).toEqual(new Set([lookUps / rows]));
  }
});

test("detach lets the value through and no gradient", async () => {
  expect(await slope((x) => x.mul(detach(x)), [3])).toEqual([3]);
});

test("a graph deeper than the call stack is differentiated", async () => {
  const deep = (x: Tensor) => {
    let y = x;
    for (let i = 0; i < 20_000; i++) y = y.add(1);
    return y;
  };
  const x = input("x", [1]);
  const [g] = grad(deep(x).sum(), [x]);
  const { value: one } = await evaluate({ value: g });
  expect(one.data[0]).toBe(1);
});

test("only what the asked gradients need is traced into their graph", () => {
  const [x, w] = [input("x", [2, 3]), parameter([3], { kind: "constant", value: 1 })];
  w.path = "w";
  const loss = silu(layerNorm(x, w, null)).sum();
  const [dw] = grad(loss, [w]);
  const both = grad(loss, [w, x]);
  const nodes = graphOf({ dw }).nodes.length;
  expect(nodes).toBeLessThan(graphOf({ dw: both[0], dx: both[1] }).nodes.length);
});

test("gradient nodes carry the scope of the module they come from", () => {
  const x = input("x", [2]);
  const y = within({ path: "unet.mid_block" }, () => silu(x));
  const [dx] = grad(y.sum(), [x]);
  expect(dx.node.scope).toBe("unet.mid_block");
  expect(print(graphOf({ dx }))).toContain("Sigmoid");
});

test("a loss that is no scalar and a cotangent that does not fit are refused", () => {
  const x = input("x", [2]);
  expect(() => grad(x, [x])).toThrow("the loss must be a scalar, got x f32[2]");
  expect(() => pullback([x.neg()], [input("c", [3])], [x])).toThrow(
    "needs a cotangent like f32[2], got c f32[3]",
  );
});
