/** @file The one model that a generator keeps open, of either kind. */
import {
  load,
  loadUnconditional,
  type LoadOptions,
  type PixelDiffusion,
  type StableDiffusion,
} from "../pipelines/index.ts";
import { isUnconditional } from "./model-registry.ts";

type Model = StableDiffusion | PixelDiffusion;

/** Keeps the model last used, until another one or another way to run it is asked for. */
export class OpenModel implements AsyncDisposable {
  #key = "";
  #model: Model | null = null;

  async get(folder: string, options: LoadOptions): Promise<Model> {
    const key = JSON.stringify([folder, options.mode, options.threads]);
    if (this.#model && key === this.#key) return this.#model;
    await this[Symbol.asyncDispose]();
    this.#model = await ((await isUnconditional(folder)) ? loadUnconditional : load)(
      folder,
      options,
    );
    this.#key = key;
    return this.#model;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const model = this.#model;
    this.#model = null;
    await model?.[Symbol.asyncDispose]();
  }
}
