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

type Named = Record<string, Value>;
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
  readonly gradients: Readonly<Named>;
  readonly #stage: Updating;
  readonly #norm: Program;
  readonly #update: Program;
  readonly #shapes: ReturnType<typeof shapesOf>;
  /** The inputs of both programs, those of the last step until they are given anew. */
  readonly #given: Named;
  /** Memory to write what moves into: the state's own, or some that is exchanged with it. */
  readonly #next: Named;

  private constructor(
    stage: Updating,
    shapes: ReturnType<typeof shapesOf>,
    made: {
      readonly norm: Program;
      readonly update: Program;
      readonly memory: Named;
      readonly next: Named;
      readonly gradients: Named;
    },
  ) {
    this.#stage = stage;
    this.#shapes = shapes;
    this.#norm = made.norm;
    this.#update = made.update;
    this.#given = made.memory;
    this.#next = made.next;
    this.gradients = made.gradients;
  }

  /** Compiles the programs of a stage and moves its state. */
  static async open(
    engine: Engine,
    stage: Updating,
    { trained, state, threads }: { trained: readonly Trained[]; state: State; threads?: number },
  ): Promise<Updater> {
    const shapes = shapesOf(stage, trained, state);
    const { kept, gradients } = shapes;
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
    const chosen = (some: Shapes) => Object.fromEntries(some.map(([name]) => [name, memory[name]]));
    const next = update.inPlace ? chosen(kept) : memoryFor(null, kept);
    return new Updater(stage, shapes, { norm, update, memory, next, gradients: chosen(gradients) });
  }

  /** Moves the state one step on; gradients that are not finite leave it as it was (`norm` tells). */
  async step(
    state: State,
    gradients: readonly Float32Array[],
  ): Promise<{ norm: number; rate: number }> {
    const scalars = scalarsOf(this.#stage, state.step + 1);
    this.#shapes.gradients.forEach(([name, shape], i) => {
      this.#give(name, gradients[i], shape);
    });
    const norm = Number((await this.#norm.run(this.#given)).norm.data[0]);
    // Before anything is touched: a checkpoint must never hold what a broken gradient made.
    if (!Number.isFinite(norm)) return { norm, rate: scalars.rate };
    for (const [name, number] of Object.entries({ ...scalars, norm }))
      this.#given[name] = value([number], []);
    for (const [name, shape] of this.#shapes.kept) {
      const array = state.values.get(name);
      assert(array, `the state has no ${name}`);
      this.#give(name, array, shape);
    }
    state.torn = this.#update.inPlace === true;
    await this.#update.run(this.#given, { into: this.#next });
    for (const [name] of this.#shapes.kept) {
      state.values.set(name, floats(this.#next[name]));
      [this.#given[name], this.#next[name]] = [this.#next[name], this.#given[name]];
    }
    state.step++;
    state.torn = false;
    return { norm, rate: scalars.rate };
  }

  /** An input of both programs; thousands of them are the same as in the step before. */
  #give(name: string, array: Float32Array, shape: readonly number[]): void {
    if (this.#given[name].data !== array) this.#given[name] = value(array, shape);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#norm[Symbol.asyncDispose]();
    await this.#update[Symbol.asyncDispose]();
  }
}
