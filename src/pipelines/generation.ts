/** @file What every recipe tells while it runs, and what it returns. */
import type { HostArray } from "../base/index.ts";
import type { Image } from "../formats/index.ts";

/** News of a run, in this order. */
export type GenerationStep =
  /** The texts are encoded; making the network ready follows. */
  | { readonly type: "encoded" }
  /** All is ready: `x` is the start noise times `initNoiseSigma`; `steps` calls of the network follow. */
  | {
      readonly type: "initial";
      readonly x: HostArray;
      readonly steps: number;
      readonly initNoiseSigma: number;
    }
  /** After the call `index` (from 0): `x` as the scheduler holds it, and the image estimated in it. */
  | {
      readonly type: "step";
      readonly index: number;
      readonly x: HostArray;
      readonly denoised: HostArray;
    }
  /** The last step is done; what follows is decoding. */
  | { readonly type: "decoding" };

/** Runs a recipe to its end; `onStep` hears of every step. */
export async function finish<Step = GenerationStep>(
  run: AsyncGenerator<Step, Generation, void>,
  onStep: (step: Step) => void = () => undefined,
): Promise<Generation> {
  for (;;) {
    const next = await run.next();
    if (next.done) return next.value;
    onStep(next.value);
  }
}

/** The pictures, the seeds they were drawn from, and the latents they were decoded from. */
export interface Generation {
  readonly images: readonly Image[];
  readonly seeds: readonly number[];
  readonly latents: HostArray;
}
