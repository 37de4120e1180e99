/** @file What the DDPM learns: things that are told apart at 32 pixels, from one emoji set so that they share a look. */
import { stat } from "node:fs/promises";
import { join } from "node:path";
import {
  buildEmojiDataset,
  chance,
  describeSummary,
  firstConcepts,
  loadDataset,
  tellingProgress,
  type Dataset,
} from "limn/training";

/** Pixels along a side. */
export const size = 32;

const things = new Set([
  ..."red apple|banana|grapes|watermelon|pineapple|strawberry|cherries|carrot|mushroom".split("|"),
  ..."pizza|hamburger|doughnut|ice cream|cat|pig|panda|fox|frog|penguin|owl|fish".split("|"),
  ..."octopus|butterfly|ladybug|tree|cactus|sunflower|star|rainbow|umbrella|car".split("|"),
  ..."rocket|house|heart|key|guitar|gift|soccer ball|alarm clock|ghost".split("|"),
]);
const data = (folder: string) => join(folder, "data");

/** Draws the data set into the run folder, unless it is there. */
export async function* preparePictures(folder: string): AsyncGenerator<string> {
  const built = await stat(join(data(folder), "summary.json")).catch(() => null);
  if (built) return;
  const building = buildEmojiDataset({
    folder: data(folder),
    concepts: firstConcepts.filter(({ en }) => things.has(en)),
    sets: ["flat"],
    variants: 6,
    size,
  });
  yield describeSummary(yield* tellingProgress(building));
}

export const openPictures = (folder: string): Promise<Dataset> => loadDataset(data(folder));

/** Pictures drawn by chance for a step, in [−1, 1]: [count, 3, size, size]. */
export function drawPictures(
  pictures: Dataset,
  count: number,
  path: readonly number[],
): Float32Array {
  const draw = chance(...path);
  const batch = new Float32Array(count * 3 * size * size);
  for (let row = 0; row < count; row++) {
    const bytes = pictures.picture(Math.floor(draw() * pictures.count));
    const values = Float32Array.from(bytes, (byte) => byte / 127.5 - 1);
    batch.set(values, row * values.length);
  }
  return batch;
}
