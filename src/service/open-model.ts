/** @file The one model that a generator keeps open, of either kind, on the engine and in the precision that were chosen. */
import {
  GraphRunner,
  load,
  loadUnconditional,
  PixelDiffusion,
  StableDiffusion,
  type LoadOptions,
  type ModelKind,
} from "../pipelines/index.ts";
import { compileMode, hasRoomToPack, type Work } from "./compile-mode.ts";
import { openEngine, type Chosen } from "./engines/choose.ts";
import { choosePrecision, type Measuring } from "./engines/precision.ts";
import { engineTable, usualEngine } from "./engines/table.ts";
import { kindOf } from "./model-kind.ts";
import type { GenerateRequest } from "./protocol.ts";

type Model = StableDiffusion | PixelDiffusion;

/** What decides how a model is opened. */
export type Opening = Work & Pick<GenerateRequest, "engine" | "precision" | "mode" | "threads">;

/** An open model, and what whoever asked may not expect, as sentences. */
export interface Opened {
  readonly model: Model;
  readonly notes: readonly string[];
}

/** Keeps the model last used, until another one or another way to run it is asked for. */
export class OpenModel implements AsyncDisposable {
  #key = "";
  #opened: Opened | null = null;

  /** Opens a model, or gives back the one that is open. */
  async get(
    opening: Opening,
    measuring: Pick<Measuring, "say" | "signal"> = { say: () => undefined },
  ): Promise<Opened> {
    const { folder, engine, precision, threads } = opening;
    const mode = opening.mode ?? (await compileMode(opening));
    const key = JSON.stringify([folder, engine, precision, mode, threads]);
    if (this.#opened && key === this.#key) return this.#opened;
    await this[Symbol.asyncDispose]();
    const chosen = await engineFor(opening);
    const model = await loaders[await kindOf(folder)](folder, {
      engine: chosen.engine,
      // Where weights are packed in any case, what that will take must be foreseen.
      mode: engineTable[chosen.name].packs === "always" ? "fast" : mode,
      ...(threads === null ? {} : { threads }),
    });
    const own = await choosePrecision(precision, model, measuring);
    this.#opened = { model: own === "f32" ? model : narrowed(model), notes: chosen.notes };
    this.#key = key;
    return this.#opened;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const opened = this.#opened;
    this.#opened = null;
    await opened?.model[Symbol.asyncDispose]();
  }
}

const loaders: Readonly<
  Record<ModelKind, (folder: string, options: LoadOptions) => Promise<Model>>
> = { "text-to-image": load, unconditional: loadUnconditional };

/** The same model in bf16. Nothing of the other was compiled, so nothing of it needs to be closed. */
function narrowed(model: Model): Model {
  const runner = new GraphRunner({ ...model.runner.options, precision: "bf16" });
  return model instanceof StableDiffusion
    ? new StableDiffusion(model.parts, runner)
    : new PixelDiffusion(model.parts, runner);
}

/** `auto` takes the engine that leaves weights in their files where there is no room for packed ones. */
async function engineFor({ folder, engine }: Opening): Promise<Chosen> {
  const chosen = await openEngine(engine);
  const { title, packs } = engineTable[chosen.name];
  if (engine !== "auto" || packs !== "always" || (await hasRoomToPack(folder))) return chosen;
  const other = await openEngine(usualEngine);
  const instead = engineTable[usualEngine].title;
  const why = `${title} would need more memory than is free; drawing with ${instead} instead`;
  return { ...other, notes: [...other.notes, why] };
}
