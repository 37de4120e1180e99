/** @file Where a run starts: noise that was given or is drawn, scaled to the first level. */
import { RequestError, type HostArray, type Random } from "../base/index.ts";
import { combine } from "../schedulers/index.ts";

/** The start of a run: N(0, 1) of `shape` times σ; `given` noise takes the place of drawing. */
export function startNoise(
  given: HostArray | null,
  { shape, random, sigma }: { shape: readonly number[]; random: Random; sigma: number },
): HostArray {
  if (given) checkNoise(given);
  if (given && given.shape.join() !== shape.join())
    throw new RequestError(
      "latents",
      `must be [${shape.join(",")}] for these pictures, got [${given.shape.join(",")}]`,
    );
  return combine([sigma, given ?? random.normal(shape)]);
}

/** Throws RequestError unless the numbers can be the noise of pictures at all: [n, channels, height, width], finite. */
export function checkNoise({ data, shape }: HostArray): void {
  checkNoiseShape(shape);
  const wrong = data.findIndex((value) => !Number.isFinite(value));
  if (wrong >= 0)
    throw new RequestError("latents", `must be finite, but number ${wrong} is ${data[wrong]}`);
}

/** Throws RequestError unless noise of this shape can be that of pictures: [n, channels, height, width]. */
export function checkNoiseShape(shape: readonly number[]): void {
  if (shape.length !== 4)
    throw new RequestError(
      "latents",
      `must be [pictures,channels,height,width], got [${shape.join(",")}]`,
    );
}
