/** @file Where a run starts: noise that was given or is drawn, scaled to the first level. */
import { RequestError, type HostArray, type Random } from "../base/index.ts";
import { combine } from "../schedulers/index.ts";

/** The start of a run: N(0, 1) of `shape` times σ; `given` noise takes the place of drawing. */
export function startNoise(
  given: HostArray | null,
  { shape, random, sigma }: { shape: readonly number[]; random: Random; sigma: number },
): HostArray {
  if (given && given.shape.join() !== shape.join())
    throw new RequestError(
      "latents",
      `must be [${shape.join(",")}] for these pictures, got [${given.shape.join(",")}]`,
    );
  return combine([sigma, given ?? random.normal(shape)]);
}
