/** @file How primitives become ONNX nodes, where the way matters beside the result. */
import { expect, test } from "vitest";
import { input, type Tensor } from "../tensor/index.ts";
import { Emitter } from "./emitter.ts";
import { lowerAll } from "./lower.ts";

function nodesOf(make: (...inputs: Tensor[]) => Tensor, ...shapes: number[][]) {
  const e = new Emitter();
  const inputs = shapes.map((shape, i) => input("xy"[i], shape));
  inputs.forEach((x) => e.names.set(x, x.label ?? ""));
  lowerAll(e, [make(...inputs)], {});
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
