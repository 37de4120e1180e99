/** @file Figures of a setting and the choice of the best, against numbers worked out by hand. */
import { expect, test } from "vitest";
import type { Finding } from "./measure.ts";
import { bestOf, likeness, middle, rowsOf, type BenchRow } from "./rows.ts";

const finding = (more: Partial<Finding>): Finding => ({
  setting: { engine: "ort", precision: "f32", threads: 2 },
  startups: [3, 1, 2],
  steps: [0.5, 0.25, 0.5, 2],
  encodes: [0.1],
  decodes: [0.2],
  wholes: [],
  calls: 10,
  privateBytes: 5,
  pixels: null,
  problem: null,
  ...more,
});

test("least and middle, and a picture added up where none was drawn whole", () => {
  expect(middle([4, 1, 3, 2])).toBe(2);
  const [row, drawn, none] = rowsOf([
    finding({}),
    finding({ wholes: [7, 6, 8] }),
    finding({ steps: [], decodes: [], startups: [], problem: "no" }),
  ]);
  expect(row).toMatchObject({
    step: { least: 0.25, median: 0.5 },
    stepsPerSecond: 2,
    pictureIs: "composed",
    startup: 2,
    calls: 4,
    likeness: null,
  });
  expect(row.picture).toBeCloseTo(5.3, 12);
  expect(drawn).toMatchObject({ picture: 7, pictureIs: "drawn" });
  expect(none).toMatchObject({ step: null, stepsPerSecond: null, picture: null, pictureIs: null });
});

test("pictures are held against the f32 one of ONNX Runtime", () => {
  expect(likeness(Uint8Array.of(0, 0), Uint8Array.of(255, 255))).toBe(0);
  // Mean square 2: 10·log10(65025 / 2).
  expect(likeness(Uint8Array.of(10, 20), Uint8Array.of(12, 20))).toBeCloseTo(45.12, 2);
  expect(likeness(Uint8Array.of(1), Uint8Array.of(1))).toBe(99);
  expect(likeness(Uint8Array.of(1), Uint8Array.of(1, 2))).toBeNull();
  const openvino = { engine: "openvino", threads: 2 } as const;
  const rows = rowsOf([
    finding({ setting: { ...openvino, precision: "bf16" }, pixels: Uint8Array.of(12, 20) }),
    finding({ setting: { ...openvino, precision: "f32" }, pixels: Uint8Array.of(10, 20) }),
    finding({ pixels: Uint8Array.of(10, 20) }),
  ]);
  expect(rows.map(({ likeness: like }) => like && Math.round(like))).toEqual([45, 99, null]);
  // Without ONNX Runtime's, another f32 picture is the measure, and never one in bf16.
  const without = rowsOf([
    finding({ setting: { ...openvino, precision: "bf16" }, pixels: Uint8Array.of(12, 20) }),
    finding({ setting: { ...openvino, precision: "f32" }, pixels: Uint8Array.of(10, 20) }),
  ]);
  expect(without.map(({ likeness: like }) => like && Math.round(like))).toEqual([45, null]);
});

const [plain] = rowsOf([finding({})]);
const row = (more: Partial<BenchRow>): BenchRow => ({ ...plain, ...more });
const fast = { engine: "openvino", precision: "bf16", threads: 2 } as const;
const exact = { engine: "openvino", precision: "f32", threads: 2 } as const;

test("the soonest picture wins, bf16 only where it looks the same", () => {
  const slow = row({ picture: 4 });
  expect(bestOf([[row({ ...fast, picture: 1, likeness: 40 }), slow]])).toEqual(fast);
  expect(bestOf([[row({ ...fast, picture: 1, likeness: 29 }), slow]])?.engine).toBe("ort");
  expect(bestOf([[row({ ...fast, picture: 1, likeness: null }), slow]])?.engine).toBe("ort");
  expect(
    bestOf([[row({ ...fast, problem: "broke", picture: 1, likeness: 40 }), slow]])?.engine,
  ).toBe("ort");
  expect(bestOf([[row({ problem: "broke" })]])).toBeNull();
  expect(bestOf([])).toBeNull();
});

test("where it costs nothing, f32 and fewer threads win", () => {
  const rows = [
    row({ ...fast, picture: 1, likeness: 40 }),
    row({ ...exact, picture: 1.02 }),
    row({ ...exact, threads: 1, picture: 1.025 }),
    row({ picture: 1.5 }),
  ];
  expect(bestOf([rows])).toEqual({ ...exact, threads: 1 });
  // f32 goes before fewer threads.
  const narrow = row({ ...fast, threads: 1, picture: 1, likeness: 40 });
  expect(bestOf([[narrow, row({ ...exact, picture: 1.01 })]])).toEqual(exact);
});

test("over several models the mean ratio decides; without pictures the steps do", () => {
  const a = [row({ ...exact, picture: 10 }), row({ picture: 12 })];
  const b = [row({ ...exact, picture: 0.3 }), row({ picture: 0.1 })];
  expect(bestOf([a])).toEqual(exact);
  expect(bestOf([a, b])?.engine).toBe("ort");
  const steps = [
    row({ ...exact, picture: null, step: { least: 1, median: 1 } }),
    row({ picture: 0.01, step: { least: 2, median: 2 } }),
  ];
  expect(bestOf([steps])).toEqual(exact);
});
