/** @file Work counted: closed forms, and the figure that is published for Stable Diffusion 1's UNet. */
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { parseUnetConfig, UNet2DConditionModel } from "../../models/index.ts";
import { place } from "../../nn/index.ts";
import {
  attention,
  conv,
  convTranspose,
  graphOf,
  input,
  linear,
  type Tensor,
} from "../../tensor/index.ts";
import { multiplyAdds } from "./cost.ts";

test.each<[string, Tensor, number]>([
  [
    "convolution",
    conv(input("x", [2, 3, 8, 8]), input("w", [5, 3, 3, 3]), null, { padding: 1 }),
    2 * 5 * 64 * 27,
  ],
  [
    "transposed",
    convTranspose(input("x", [1, 3, 4, 4]), input("w", [3, 5, 2, 2]), null, { stride: 2 }),
    16 * 3 * 5 * 4,
  ],
  ["linear", linear(input("x", [2, 7, 3]), input("w", [4, 3]), null), 2 * 7 * 4 * 3],
  ["product", input("a", [2, 3, 4]).matmul(input("b", [2, 4, 5])), 2 * 3 * 4 * 5],
  [
    "attention",
    attention(input("q", [2, 6, 8]), input("k", [2, 9, 8]), input("v", [2, 9, 8]), { heads: 2 }),
    2 * (2 * 6 * 9 * 8),
  ],
  ["sum", input("x", [9]).add(1), 0],
])("%s", (_, y, count) => {
  expect(multiplyAdds(graphOf({ y }))).toBe(count);
});

test("the layers of Stable Diffusion 1's UNet at 512×512 are 339 G, as Kim et al. 2023 (BK-SDM) say", () => {
  const file = readFileSync("tests/keys/configs.json", "utf8");
  const config = (JSON.parse(file) as Record<string, object>)["sd15.unet"];
  const unet = place(new UNet2DConditionModel(parseUnetConfig(config)), "unet");
  const states = input("states", [1, 77, 768]);
  const output = unet.call(input("sample", [1, 4, 64, 64]), input("timestep", [1]), states);
  const { nodes } = graphOf({ output });
  // The profiler of the paper looks at layers, and so does not see the products inside attention.
  const layers = nodes.filter(({ op }) => op !== "Attention");
  expect(multiplyAdds({ nodes: layers }) / 1e9).toBeCloseTo(339, -0.5);
});
