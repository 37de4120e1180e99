/** @file How primitives become ONNX nodes, where the way matters beside the result. */
import { expect, test } from "vitest";
import { input } from "../tensor/index.ts";
import { Emitter } from "./emitter.ts";
import { lowerAll } from "./lower.ts";

function nodesOf(shape: readonly number[], other: readonly number[]) {
  const e = new Emitter();
  const [x, y] = [input("x", shape), input("y", other)];
  e.names.set(x, "x").set(y, "y");
  lowerAll(e, [x.mul(y)], {});
  return e.nodes.map(({ op, inputs }) => `${op}(${inputs.join()})`);
}

test("a short operand gets the rank of a result that ends in an axis of 1", () => {
  expect(nodesOf([4, 3, 1, 1], [])).toEqual(["Reshape(y,c_0)", "Mul(x,Reshape_1)"]);
  expect(nodesOf([3, 1], [4, 3, 1])).toEqual(["Reshape(x,c_0)", "Mul(Reshape_1,y)"]);
  expect(nodesOf([4, 3, 1], [4, 3, 1])).toEqual(["Mul(x,y)"]);
  expect(nodesOf([4, 3, 2], [])).toEqual(["Mul(x,y)"]);
});
