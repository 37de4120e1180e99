/**
 * @file Draws every thing the emblem knows, by its plain prompt, on one sheet.
 * `npx jiti recipes/emblem/contact-sheet.ts MODEL SHEET.png [named]` — without names it shows what a stranger recognises.
 */
import { writeFile } from "node:fs/promises";
import { finish, load, textToImage } from "limn";
import { contactSheet, firstConcepts, promptFor, type SheetRow } from "limn/training";

const [model, file = "sheet.png", names] = process.argv.slice(2);
const seed = 1;

/** RGB triples to planes. */
function planesOf({ data }: { data: Uint8Array }): Uint8Array {
  const pixels = data.length / 3;
  return Uint8Array.from(
    { length: data.length },
    (_, i) => data[(i % pixels) * 3 + Math.floor(i / pixels)],
  );
}

async function main(): Promise<void> {
  await using painter = await load(model);
  const rows: SheetRow[] = [];
  for (let from = 0; from < firstConcepts.length; from += 10) {
    const things = firstConcepts
      .slice(from, from + 10)
      .map(({ en, countability = "count" }) => promptFor({ en, countability }));
    const { images } = await finish(textToImage(painter, { prompt: things, seed }));
    images.forEach((image, i) => {
      const title = names === undefined ? String(from + i + 1) : things[i];
      rows.push({ title, pictures: [planesOf(image)] });
    });
  }
  await writeFile(file, await contactSheet(rows, 128, { thumbnail: 96, columns: 10 }));
}

void main();
