/** @file How primitives become ONNX nodes, where the way matters beside the result. */
import { expect, test } from "vitest";
import { applyOne, constant, input, layerNorm, within, type Tensor } from "../../tensor/index.ts";
import { Emitter } from "./emitter.ts";
import { lowerAll, type Kernels } from "./lower.ts";
import { webgpuKernels } from "../wasm/webgpu-kernels.ts";

function nodesOf(make: (...inputs: Tensor[]) => Tensor, ...shapes: number[][]) {
  return nodesBy({}, make, ...shapes);
}

function nodesBy(kernels: Kernels, make: (...inputs: Tensor[]) => Tensor, ...shapes: number[][]) {
  const e = new Emitter();
  const inputs = shapes.map((shape, i) => input("xy"[i], shape));
  inputs.forEach((x) => e.names.set(x, x.label ?? ""));
  lowerAll(e, [make(...inputs)], kernels);
  return e.nodes.map((node) => `${node.op}(${node.inputs.join()})`);
}
const product = (x: Tensor, y: Tensor) => x.mul(y);

test("a short operand gets the rank of a result that ends in an axis of 1", () => {
  expect(nodesOf(product, [4, 3, 1, 1], [])).toEqual(["Reshape(y,c_0)", "Mul(x,Reshape_1)"]);
  expect(nodesOf(product, [3, 1], [4, 3, 1])).toEqual(["Reshape(x,c_0)", "Mul(Reshape_1,y)"]);
  expect(nodesOf(product, [4, 3, 1], [4, 3, 1])).toEqual(["Mul(x,y)"]);
  expect(nodesOf(product, [4, 3, 2], [])).toEqual(["Mul(x,y)"]);
});

test("copies along a last axis of 1 are joined", () => {
  const expand = (shape: number[]) => (x: Tensor) => x.expand(...shape);
  expect(nodesOf(expand([4, 2]), [4, 1])).toEqual(["Concat(x,x)"]);
  expect(nodesOf(expand([4, 9]), [4, 1])).toEqual(["Expand(x,c_0)"]);
  expect(nodesOf(expand([4, 2]), [1, 1])).toEqual(["Expand(x,c_0)"]);
  expect(nodesOf(expand([4, 2]), [1])).toEqual(["Expand(x,c_0)"]);
  expect(nodesOf(expand([4, 2]), [1, 2])).toEqual(["Expand(x,c_0)"]);
});

// The race itself shows too seldom to be a test: since idle threads sleep, sixty runs may all be right.
test("rows are added without ONNX Runtime's racing ScatterND", () => {
  const indices = constant(BigInt64Array.of(0n, 1n, 1n), [3], "i64");
  const add = (x: Tensor, y: Tensor) => applyOne("ScatterND", [x, indices, y], {});
  const ops = nodesOf(add, [2, 4], [3, 4]).map((node) => node.slice(0, node.indexOf("(")));
  expect(ops).toContain("ScatterElements");
  expect(ops).not.toContain("ScatterND");
});

test("the nodes of a composite's body bear the name of its module", () => {
  const e = new Emitter();
  const x = input("x", [2, 3]);
  e.names.set(x, "x");
  const normal = within({ path: "unet.mid" }, () => layerNorm(x, null, null));
  lowerAll(e, [within({ path: "unet.out" }, () => normal.exp())], {});
  const names = e.nodes.map(({ name }) => name);
  expect(names.slice(0, -1).every((name) => name?.startsWith("unet.mid/"))).toBe(true);
  expect(names.length).toBeGreaterThan(5);
  expect(names.at(-1)).toMatch(/^unet.out\/Exp/);
});

/** Counts what is asked of it. */
class CountedNames extends Map<Tensor, string> {
  looks = 0;
  override has(key: Tensor): boolean {
    this.looks += 1;
    return super.has(key);
  }
  override keys(): MapIterator<Tensor> {
    this.looks += this.size;
    return super.keys();
  }
}

test("a composite is lowered without a look at all that came before", () => {
  const names = new CountedNames();
  const e = Object.assign(new Emitter(), { names });
  let x = input("x", [1]);
  names.set(x, "x");
  for (let i = 0; i < 1000; i++) x = applyOne("Silu", [x], {});
  lowerAll(e, [x], {});
  expect(e.nodes.length).toBe(2000);
  expect(names.looks).toBeLessThan(20_000);
});

// Only the slow suite in a browser shows the wrong numbers that this avoids.
test("WebGPU is given channels that it adds up rightly", () => {
  const attrs = { strides: [1, 1], pads: [1, 1, 1, 1], dilations: [1, 1], group: 1 };
  const conv = (x: Tensor, w: Tensor) => applyOne("Conv", [x, w, null], attrs);
  const ops = (channels: number, out: number) =>
    nodesBy(webgpuKernels, conv, [1, channels, 8, 8], [out, channels, 3, 3]).map((node) =>
      node.slice(0, node.indexOf("(")),
    );
  expect(ops(9, 320)).toEqual(["Pad", "Pad", "Conv"]);
  for (const [channels, out] of [
    [3, 64],
    [4, 320],
    [12, 8],
    [9, 5],
  ])
    expect(ops(channels, out)).toEqual(["Conv"]);
});
