/** @file The second half of a step: the gradients' norm, then the state's update, in place where the engine can. */
import { assert, sizeOf } from "../base/index.ts";
import { value, type Engine, type Program, type Value } from "../runtime/index.ts";
import { emaDecayAt } from "./optimizers/ema.ts";
import { optimizer } from "./optimizers/optimizers.ts";
import { rateAt } from "./optimizers/rates.ts";
import { normGraph, slotName, updateGraph, type Trained } from "./optimizers/update.ts";
import type { Stage } from "./recipe.ts";
import type { State } from "./run/state.node.ts";

/** The scalars of a step (counted from 1) beside the optimiser's tensors. */
function scalarsOf(stage: Updating, step: number): { rate: number; keep: number } {
  return {
    rate: stage.rate.base * rateAt(step - 1, stage.steps, stage.rate),
    keep: stage.ema ? emaDecayAt(step, stage.ema) : 0,
    ...optimizer(stage.optimizer).scalars(step),
  };
}

type Named = Readonly<Record<string, Value>>;
type Shapes = readonly (readonly [name: string, shape: readonly number[]])[];

/** Arrays for the shapes, by name: in the engine's own memory where it has such. */
function memoryFor(engine: Engine | null, shapes: Shapes): Named {
  const sizes = shapes.map(([, shape]) => sizeOf(shape));
  const arrays = engine?.reserve?.(sizes) ?? sizes.map((size) => new Float32Array(size));
  return Object.fromEntries(shapes.map(([name, shape], i) => [name, value(arrays[i], shape)]));
}

/** What moves, by `SLOT/PATH`, and the gradients. */
function shapesOf(
  stage: Updating,
  trained: readonly Trained[],
  state: State,
): Record<"kept" | "gradients", Shapes> {
  const { slots } = optimizer(stage.optimizer);
  const kept = trained.flatMap(({ path, shape }) =>
    Object.entries({ value: shape, average: shape, ...slots(shape) })
      .map(([slot, its]) => [slotName(slot, path), its] as const)
      .filter(([name]) => state.values.has(name)),
  );
  return {
    kept,
    gradients: trained.map(({ path, shape }) => [slotName("gradient", path), shape]),
  };
}

const floats = ({ data }: Value) => data as Float32Array;

/** What an update depends on. */
export type Updating = Pick<Stage, "optimizer" | "rate" | "steps" | "clip" | "ema">;

/** Updates the state of one stage, whose arrays it moves to where its engine computes best. */
export class Updater implements AsyncDisposable {
  /** Memory for the gradients, by `gradient/PATH`. */
  readonly gradients: Named;
  readonly #stage: Updating;
  readonly #trained: readonly Trained[];
  readonly #norm: Program;
  readonly #update: Program;
  /** Shapes of all that moves, and memory to write it into: the state's own, or some that is exchanged with it. */
  readonly #kept: Shapes;
  readonly #next: Map<string, Value>;

  private constructor(
    stage: Updating,
    trained: readonly Trained[],
    made: {
      readonly norm: Program;
      readonly update: Program;
      readonly kept: Shapes;
      readonly next: Named;
      readonly gradients: Named;
    },
  ) {
    this.#stage = stage;
    this.#trained = trained;
    this.#norm = made.norm;
    this.#update = made.update;
    this.#kept = made.kept;
    this.#next = new Map(Object.entries(made.next));
    this.gradients = made.gradients;
  }

  /** Compiles the programs of a stage and moves its state. */
  static async open(
    engine: Engine,
    stage: Updating,
    { trained, state, threads }: { trained: readonly Trained[]; state: State; threads?: number },
  ): Promise<Updater> {
    const { kept, gradients } = shapesOf(stage, trained, state);
    const memory = memoryFor(engine, [...kept, ...gradients]);
    for (const [name] of kept) {
      const array = floats(memory[name]);
      array.set(state.values.get(name) ?? []);
      state.values.set(name, array);
    }
    const options = { bind: () => ({ kind: "input" }) as const, ...(threads && { threads }) };
    const average = stage.ema !== null;
    const updates = updateGraph(trained, optimizer(stage.optimizer), { clip: stage.clip, average });
    const norm = await engine.compile(normGraph(trained), options);
    const update = await engine.compile(updates, options).catch(async (error: unknown) => {
      await norm[Symbol.asyncDispose]();
      throw error;
    });
    const chosen = (shapes: Shapes) =>
      Object.fromEntries(shapes.map(([name]) => [name, memory[name]]));
    const next = update.inPlace ? chosen(kept) : memoryFor(null, kept);
    return new Updater(stage, trained, { norm, update, kept, next, gradients: chosen(gradients) });
  }

  /** Moves the state one step on; gradients that are not finite leave it as it was (`norm` tells). */
  async step(
    state: State,
    gradients: readonly Float32Array[],
  ): Promise<{ norm: number; rate: number }> {
    const scalars = scalarsOf(this.#stage, state.step + 1);
    const given = Object.fromEntries(
      this.#trained.map(({ path, shape }, i) => [
        slotName("gradient", path),
        value(gradients[i], shape),
      ]),
    );
    const norm = Number((await this.#norm.run(given)).norm.data[0]);
    // Before anything is touched: a checkpoint must never hold what a broken gradient made.
    if (!Number.isFinite(norm)) return { norm, rate: scalars.rate };
    const numbers = Object.entries({ ...scalars, norm });
    const told = numbers.map(([name, number]) => [name, value([number], [])] as const);
    const old = this.#kept.map(([name, shape]) => {
      const array = state.values.get(name);
      assert(array, `the state has no ${name}`);
      return [name, value(array, shape)] as const;
    });
    const inputs = { ...given, ...Object.fromEntries([...told, ...old]) };
    state.torn = this.#update.inPlace === true;
    await this.#update.run(inputs, { into: Object.fromEntries(this.#next) });
    for (const [name, before] of old) {
      const after = this.#next.get(name);
      assert(after, `${name} was not updated`);
      state.values.set(name, floats(after));
      this.#next.set(name, before);
    }
    state.step++;
    state.torn = false;
    return { norm, rate: scalars.rate };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#norm[Symbol.asyncDispose]();
    await this.#update[Symbol.asyncDispose]();
  }
}
