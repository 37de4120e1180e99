/** @file What no golden reaches of the optimisers: long runs of RAdam and NAdam, vectors in Adafactor, state's shapes. */
import { expect, test } from "vitest";
import { keyedRandom } from "../../base/index.ts";
import { ortEngine, value } from "../../runtime/index.ts";
import { optimizer, type OptimizerConfig } from "./optimizers.ts";
import { updateGraph } from "./update.ts";

const start = [0.5, -1, 2, 0.1];
const gradientAt = (step: number) => keyedRandom(5, step, 0).normal([4]).data;

/** The values after each step of an optimiser over one parameter. */
async function follow(config: OptimizerConfig, steps: number, rate: number): Promise<number[][]> {
  const rule = optimizer(config);
  const trained = [{ path: "p", shape: [4], rate: 1 }];
  const graph = updateGraph(trained, rule, { clip: null, average: false });
  const engine = await ortEngine();
  await using program = await engine.compile(graph, { bind: () => ({ kind: "input" }) });
  const slots = Object.entries(rule.slots([4]));
  let state = Object.fromEntries(
    slots.map(([slot, shape]) => [`${slot}/p`, value(new Float32Array(4), shape)]),
  );
  state["value/p"] = value(start, [4]);
  const values: number[][] = [];
  for (let step = 1; step <= steps; step++) {
    const scalars = Object.entries({ rate, ...rule.scalars(step) });
    state = await program.run({
      ...state,
      ...Object.fromEntries(scalars.map(([name, number]) => [name, value([number], [])])),
      "gradient/p": value(gradientAt(step), [4]),
    });
    values.push([...(state["value/p"].data as Float32Array)]);
  }
  return values;
}

function expectClose(ours: number[][], theirs: number[][]): void {
  ours.forEach((row, step) =>
    row.forEach((x, i) => expect(x, `step ${step + 1}`).toBeCloseTo(theirs[step][i], 4)),
  );
}

/** Element by element, as the paper writes it. */
function slow(
  steps: number,
  one: (step: number, at: { g: number; m: number; v: number }) => number,
): number[][] {
  const [m, v] = [start.map(() => 0), start.map(() => 0)];
  const p = [...start];
  return Array.from({ length: steps }, (_, s) => {
    gradientAt(s + 1).forEach((g, i) => {
      m[i] = 0.9 * m[i] + 0.1 * g;
      v[i] = 0.9 * v[i] + 0.1 * g * g;
      p[i] -= 0.01 * one(s + 1, { g, m: m[i], v: v[i] });
    });
    return [...p];
  });
}

const common = { betas: [0.9, 0.9], eps: 1e-8, weightDecay: 0 } as const;

test("RAdam divides once the variance is tractable", async () => {
  // Algorithm 2 of Liu et al. 2020, β2 .9: ρ∞ = 19, and ρ passes 5 (torch's bound) within the run.
  const rho = (t: number) => 19 - (2 * t * 0.9 ** t) / (1 - 0.9 ** t);
  expect(rho(5)).toBeLessThan(5);
  expect(rho(20)).toBeGreaterThan(5);
  const expected = slow(20, (t, { m, v }) => {
    const mean = m / (1 - 0.9 ** t);
    if (rho(t) <= 5) return mean;
    const r = rho(t);
    const rectified = Math.sqrt(((r - 4) * (r - 2) * 19) / ((19 - 4) * (19 - 2) * r));
    return (mean * rectified) / Math.sqrt(v / (1 - 0.9 ** t));
  });
  expectClose(await follow({ kind: "radam", ...common }, 20, 0.01), expected);
});

test("NAdam's products of momenta", async () => {
  let product = 1;
  let counted = 0;
  const mu = (t: number) => 0.9 * (1 - 0.5 * 0.96 ** (t * 0.004));
  const expected = slow(20, (t, { g, m, v }) => {
    if (t > counted) product *= mu(t);
    counted = t;
    const ahead = (mu(t + 1) * m) / (1 - product * mu(t + 1)) + ((1 - mu(t)) * g) / (1 - product);
    return ahead / Math.sqrt(v / (1 - 0.9 ** t));
  });
  expectClose(await follow({ kind: "nadam", ...common, momentumDecay: 4e-3 }, 20, 0.01), expected);
  const late = optimizer({ kind: "nadam", ...common, momentumDecay: 4e-3 }).scalars(1e6);
  expect(late.meanShare).toBeCloseTo(0.9, 6);
});

test("Adafactor keeps a vector's squares whole and a matrix's as row and column", async () => {
  const config = { kind: "adafactor", beta2Decay: -0.8, eps: 1e-3, clip: 1 } as const;
  const { slots } = optimizer(config);
  expect(slots([4])).toEqual({ square: [4] });
  expect(slots([8, 4, 3, 3])).toEqual({ rows: [8, 4, 3, 1], columns: [8, 4, 1, 3] });
  const v = start.map(() => 0);
  let p = [...start];
  const rms = (x: readonly number[]) => Math.sqrt(x.reduce((s, y) => s + y * y, 0) / x.length);
  const expected = Array.from({ length: 6 }, (_, s) => {
    const g = [...gradientAt(s + 1)];
    const share = (s + 1) ** -0.8;
    g.forEach((x, i) => (v[i] = (1 - share) * v[i] + share * x * x));
    const u = g.map((x, i) => x / Math.sqrt(v[i]));
    const length = Math.max(1e-3, rms(p)) * Math.min(0.5, 1 / Math.sqrt(s + 1));
    p = p.map((x, i) => x - (length * u[i]) / Math.max(1, rms(u)));
    return p;
  });
  expectClose(await follow(config, 6, 0.5), expected);
});
