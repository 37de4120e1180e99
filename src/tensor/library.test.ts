/** @file What the goldens leave open of the op library: other options, edges, inverses; against plain loops. */
import { expect, test } from "vitest";
import { checkOp, type OpCase } from "../../tests/reference/check-op.ts";
import { evaluate } from "../../tests/reference/evaluate.ts";
import { value } from "../runtime/index.ts";
import {
  attention,
  avgPool,
  batchNorm,
  batchStatistics,
  chunk,
  constant,
  conv,
  convTranspose,
  einsum,
  elu,
  gridSample,
  input,
  interpolate,
  logSigmoid,
  logSoftmax,
  maxPool,
  norm,
  pad,
  patchify,
  prod,
  quantile,
  repeat,
  rmsNorm,
  roll,
  sort,
  stack,
  std,
  sumPool,
  tileRows,
  triu,
  unpatchify,
  type Tensor,
} from "./index.ts";

/** Far apart, so that order statistics are smooth around them: whole numbers times 0.7. */
const apart = (n: number) => Math.round(n * 5) * 0.7;
const range = (n: number) => Array.from({ length: n }, (_, i) => i);
const ramp = (n: number) =>
  constant(
    Float32Array.from(range(n), (i) => i * 0.13),
    [n],
  );

/** Bilinear look-up in one plane, pixel by pixel. */
function lookUp(
  x: readonly number[],
  [h, w]: [number, number],
  [px, py]: [number, number],
  border: boolean,
) {
  const clampTo = (n: number, top: number) => Math.min(Math.max(n, 0), top);
  const [cx, cy] = border ? [clampTo(px, w - 1), clampTo(py, h - 1)] : [px, py];
  let sum = 0;
  for (let i = 0; i < h; i++)
    for (let j = 0; j < w; j++)
      sum += x[i * w + j] * Math.max(0, 1 - Math.abs(cy - i)) * Math.max(0, 1 - Math.abs(cx - j));
  return sum;
}

const cases: Record<string, OpCase> = {
  "elu alpha": {
    operands: [[9]],
    ours: (x) => elu(x, 0.5),
    naive: (x) => x.map((n) => (n > 0 ? n : 0.5 * (Math.exp(n) - 1))),
    tolerance: 2e-3, // the stencil may straddle the kink of slope 1 → 0.5
    seed: 4,
  },
  "logSigmoid far out": {
    operands: [{ shape: [6], map: (n: number) => 30 * n }],
    ours: logSigmoid,
    naive: (x) => x.map((n) => Math.min(n, 0) - Math.log1p(Math.exp(-Math.abs(n)))),
    tolerance: 1e-3,
  },
  "einsum of three": {
    operands: [
      [2, 3],
      [3, 4],
      [4, 2],
    ],
    ours: (a, b, c) => einsum("ij,jk,ki->i", a, b, c),
    naive: (a, b, c) =>
      range(2).map((i) => {
        let sum = 0;
        for (let j = 0; j < 3; j++)
          for (let k = 0; k < 4; k++) sum += a[i * 3 + j] * b[j * 4 + k] * c[k * 2 + i];
        return sum;
      }),
  },
  "einsum of one": {
    operands: [[2, 3, 2]],
    ours: (a) => einsum("abc->ca", a),
    naive: (a) =>
      range(4).map((i) => {
        const [c, r] = [Math.floor(i / 2), i % 2];
        return range(3).reduce((sum, b) => sum + a[r * 6 + b * 2 + c], 0);
      }),
  },
  "sort descending": {
    operands: [{ shape: [7], map: apart }],
    ours: (x) => sort(x.add(ramp(7)), { order: "descending" })[0],
    naive: (x) => x.map((n, i) => n + i * 0.13).sort((a, b) => b - a),
  },
  "quantile at the ends": {
    operands: [{ shape: [7], map: apart }],
    ours: (x) =>
      stack(
        [0, 0.5, 1].map((q) => quantile(x.add(ramp(7)), q, 0)),
        0,
      ),
    naive: (x) => {
      const sorted = x.map((n, i) => n + i * 0.13).sort((a, b) => a - b);
      return [sorted[0], sorted[3], sorted[6]];
    },
  },
  "prod with a zero": {
    operands: [{ shape: [5], given: value([2, 0, -3, 1, 0.5], [5]) }],
    ours: (x) => prod(x, 0).unsqueeze(0),
    naive: (x) => [x.reduce((a, b) => a * b)],
  },
  "std over all": {
    operands: [[3, 4]],
    ours: (x) => std(x).reshape(1),
    naive: (x) => {
      const mean = x.reduce((a, b) => a + b) / 12;
      return [Math.sqrt(x.reduce((sum, n) => sum + (n - mean) ** 2, 0) / 11)];
    },
  },
  "norm of all": {
    operands: [[3, 4]],
    ours: (x) => norm(x).reshape(1),
    naive: (x) => [Math.hypot(...x)],
  },
  "logSoftmax of an inner axis": { operands: [[2, 3, 2]], ours: (x) => logSoftmax(x, 1) },
  "rmsNorm bare": {
    operands: [[2, 3]],
    ours: (x) => rmsNorm(x, null),
    naive: (x) =>
      x.map((n, i) => {
        const row = x.slice(3 * Math.floor(i / 3)).slice(0, 3);
        return n / Math.sqrt(row.reduce((sum, v) => sum + v * v, 0) / 3 + 1e-6);
      }),
  },
  "batchNorm of one axis": {
    operands: [[5, 2], [2], [2]],
    ours: (x, weight, bias) => batchNorm(x, batchStatistics(x), { weight, bias }),
  },
  "chunk with a rest": {
    operands: [[5]],
    ours: (x) => chunk(x, 3, 0)[2].mul(2),
    naive: (x) => [x[4] * 2],
  },
  "rows over and over": {
    operands: [[2, 2]],
    ours: (x) => tileRows(x, 6),
    naive: (x) => [...x, ...x, ...x],
  },
  "roll more than once round": {
    operands: [[5]],
    ours: (x) => roll(x, 7, 0),
    naive: (x) => [x[3], x[4], x[0], x[1], x[2]],
  },
  "repeat with a new axis": {
    operands: [[2]],
    ours: (x) => repeat(x, [2, 1]).mul(constant(Float32Array.of(1, 10), [2, 1])),
    naive: ([a, b]) => [a, b, 10 * a, 10 * b],
  },
  "triu of a tall matrix": {
    operands: [[3, 2]],
    ours: (x) => triu(x, -1),
    naive: (x) => x.map((n, i) => (i === 4 ? 0 : n)),
  },
  "patches and back": {
    operands: [[2, 3, 4, 6]],
    ours: (x) => unpatchify(patchify(x, 2), { patch: 2, rows: 2 }),
    naive: (x) => x,
  },
  "pad: reflect and crop at once": {
    operands: [[5]],
    ours: (x) => pad(x, [2, -1], { mode: "reflect" }),
    naive: (x) => [x[2], x[1], x[0], x[1], x[2], x[3]],
  },
  "maxPool one by two": {
    operands: [{ shape: [1, 1, 2, 4], map: apart }],
    ours: (x) => maxPool(x.add(ramp(4)), { kernel: [1, 2] }),
    naive: (x) =>
      range(4).map((i) => Math.max(...[0, 1].map((j) => x[2 * i + j] + ((2 * i + j) % 4) * 0.13))),
  },
  "avgPool in one dimension": {
    operands: [[1, 1, 5]],
    ours: (x) => avgPool(x, { kernel: 3, stride: 1, padding: 1, count: "elements" }),
    naive: (x) =>
      range(5).map((i) => {
        const seen = x.slice(Math.max(i - 1, 0), i + 2);
        return seen.reduce((a, b) => a + b) / seen.length;
      }),
  },
  "interpolate in three dimensions": {
    operands: [[1, 1, 2, 2, 2]],
    ours: (x) => interpolate(x, { scale: [2, 1, 1], mode: "linear" }),
    naive: (x) =>
      [
        [1, 0],
        [0.75, 0.25],
        [0.25, 0.75],
        [0, 1],
      ].flatMap(([a, b]) => range(4).map((i) => a * x[i] + b * x[4 + i])),
  },
  "convTranspose dilated is the adjoint of conv": {
    operands: [
      [1, 2, 4, 4],
      [2, 3, 2, 2],
      [1, 3, 6, 6],
    ],
    // <conv(z, w), x> − <z, convTranspose(x, w)> = 0
    ours: (x, w, z) =>
      conv(z, w, null, { dilation: 2 })
        .mul(x)
        .sum()
        .sub(convTranspose(x, w, null, { dilation: 2 }).mul(z).sum())
        .reshape(1),
    naive: () => [0],
    tolerance: 1e-3, // two large sums that cancel
  },
  ...Object.fromEntries(
    (["zeros", "border"] as const).flatMap((outside) =>
      [true, false].map((alignCorners): [string, OpCase] => [
        `gridSample ${outside}${alignCorners ? ", corners" : ""}`,
        {
          operands: [
            [1, 1, 3, 4],
            // Away from pixel centres, inside and outside, so that the stencil crosses no kink.
            {
              shape: [1, 2, 2, 2],
              given: value([-0.6, 0.3, 0.4, -0.45, 1.6, 0.25, -1.4, -1.6], [1, 2, 2, 2]),
            },
          ],
          ours: (x, grid) => gridSample(x, grid, { outside, alignCorners }),
          naive: (x, grid) =>
            range(4).map((i) => {
              const at = (g: number, n: number) =>
                alignCorners ? ((g + 1) / 2) * (n - 1) : ((g + 1) * n - 1) / 2;
              const place: [number, number] = [at(grid[2 * i], 4), at(grid[2 * i + 1], 3)];
              return lookUp(x, [3, 4], place, outside === "border");
            }),
        },
      ]),
    ),
  ),
};

test.each(Object.entries(cases))("%s", (name, options) => checkOp(name, options));

test("a bool mask hides, also when it hides a whole row but one", async () => {
  const [q, v] = [input("q", [1, 2, 2]), input("v", [1, 3, 2])];
  const mask = constant(Uint8Array.of(1, 0, 0, 0, 1, 0), [1, 1, 2, 3], "bool");
  const y = attention(q, v, v, { heads: 1, mask });
  const results = await evaluate(
    { y },
    { q: value([1, 2, 3, 4], [1, 2, 2]), v: value([1, 2, 3, 4, 5, 6], [1, 3, 2]) },
  );
  expect([...results.y.data]).toEqual([1, 2, 3, 4]);
});

test.each<[string, () => Tensor, string]>([
  [
    "pad",
    () => pad(ramp(3), [3, 0], { mode: "reflect" }),
    "reflect reaches at most 2 beyond axis 0",
  ],
  ["einsum", () => einsum("ij->i", ramp(3)), "einsum: ij->i does not describe f32[3]"],
  ["repeat", () => repeat(ramp(3).unsqueeze(0), [2]), "repeat: 1 counts for f32[1,3]"],
  ["quantile", () => quantile(ramp(3), 1.5, 0), "q: must be between 0 and 1, got 1.5"],
  [
    "interpolate",
    () => interpolate(ramp(3).reshape(1, 1, 3), {}),
    "size: interpolate needs either a size or a scale",
  ],
])("%s says what does not fit", (_, make, message) => {
  expect(make).toThrow(message);
});

test("what does not fill rows or blocks is refused", () => {
  const x = input("x", [4, 6]);
  for (const rows of [2, 6]) expect(() => tileRows(x, rows)).toThrow("no multiple of the rows");
  for (const times of [[4], [1.5], [0], [1, 2, 2]])
    expect(() => sumPool(x, times)).toThrow("must fill the last axes");
});
