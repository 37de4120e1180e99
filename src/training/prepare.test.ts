import { expect, test } from "vitest";
import { RequestError } from "../base/index.ts";
import { Linear } from "../nn/index.ts";
import { input } from "../tensor/index.ts";
import { prepare } from "./prepare.ts";

const trace = () => {
  const layer = new Linear(2, 1);
  return { networks: { layer }, outputs: { loss: layer.call(input("x", [1, 2])).sum() } };
};

test("only parameters with a share have gradients", () => {
  const { gradients } = prepare({ trace, share: (path) => Number(path.endsWith("bias")) });
  expect([...gradients.outputs.keys()]).toEqual(["loss", "gradient/layer.bias"]);
});

test("a stage in which nothing would move is refused", () => {
  expect(() => prepare({ trace, share: () => 0 })).toThrow(RequestError);
  expect(() => prepare({ trace, share: () => 0 })).toThrow(/none of the 2 parameters/);
});
