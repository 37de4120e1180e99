/** @file `limn bench` as a service: what will be measured, then model by model what was found. */
import { machineMemory } from "../../pipelines/index.ts";
import { compileMode } from "../compile-mode.ts";
import { kindOf } from "../model-kind.ts";
import type { ModelPlace } from "../model-registry.ts";
import type { DrawingSetting } from "../settings.ts";
import { measure } from "./measure.ts";
import { planBench, type BenchChoice, type BenchPlan } from "./plan.ts";
import { processDrawer, type BenchRequest } from "./process-drawer.ts";
import { bestOf, rowsOf, type BenchRow } from "./rows.ts";

/** What to measure, and how long. */
export interface BenchOptions extends BenchChoice {
  readonly models: readonly ModelPlace[];
  /** Seconds for all models together. */
  readonly seconds: number;
}

/** What was found about one model. */
export interface ModelResult {
  readonly model: string;
  readonly rows: readonly BenchRow[];
  /** Steps of the pictures drawn; null is the model's own number. */
  readonly steps: number | null;
  /** Every setting drew so many pictures. */
  readonly rounds: number;
}

export type BenchEvent =
  | { readonly type: "plan"; readonly plan: BenchPlan; readonly seconds: number }
  | { readonly type: "model"; readonly model: string }
  | { readonly type: "started"; readonly row: BenchRow }
  | { readonly type: "round"; readonly round: number }
  | { readonly type: "result"; readonly result: ModelResult }
  /** null where nothing could be chosen. */
  | { readonly type: "best"; readonly best: DrawingSetting | null };

/** Measures; stops cleanly within a drawing when the signal says so, throwing its reason. */
export async function* bench(
  options: BenchOptions,
  signal: AbortSignal,
): AsyncGenerator<BenchEvent, void, void> {
  const { models, seconds } = options;
  const plan = await planBench(options);
  yield { type: "plan", plan, seconds };
  const results: ModelResult[] = [];
  if (plan.settings.length > 0)
    for (const model of models) {
      yield { type: "model", model: model.name };
      const result = yield* benchModel(model, plan, { budget: seconds / models.length, signal });
      results.push(result);
      yield { type: "result", result };
    }
  yield { type: "best", best: bestOf(results.map(({ rows }) => rows)) };
}

async function* benchModel(
  { name, folder }: ModelPlace,
  { settings }: BenchPlan,
  { budget, signal }: { budget: number; signal: AbortSignal },
): AsyncGenerator<BenchEvent, ModelResult, void> {
  const common = await requestOf(folder);
  const measuring = measure({
    settings,
    open: (setting) => processDrawer(setting, common),
    clock: () => performance.now() / 1000,
    budget,
    freeBytes: async () => (await machineMemory()).available,
    signal,
  });
  let [steps, rounds]: [number | null, number] = [null, 0];
  for (;;) {
    const next = await measuring.next();
    if (next.done) return { model: name, rows: rowsOf(next.value), steps, rounds };
    const event = next.value;
    if (event.type === "drawing") steps = event.steps;
    if (event.type === "round") rounds = event.round;
    if (event.type === "started") yield { type: "started", row: rowsOf([event.finding])[0] };
    if (event.type === "round") yield event;
  }
}

/** One picture as the model makes it by itself. */
async function requestOf(folder: string): Promise<BenchRequest> {
  const textless = (await kindOf(folder)) === "unconditional";
  const request = {
    folder,
    prompts: [textless ? "" : "a red apple"],
    negative: null,
    guidance: null,
    guidanceRescale: 0,
    seed: 1,
    count: 1,
    batch: 1,
    width: null,
    height: null,
    sampler: null,
    schedule: null,
    rng: "torch",
    eta: null,
    clipSkip: null,
    latents: null,
    keepLatents: false,
  } as const;
  return { ...request, mode: await compileMode({ ...request, steps: null }) };
}
