/**
 * @file Draws every thing a model knows, by its plain prompt, on sheets of so many.
 * `npx jiti recipes/emblem/contact-sheet.ts MODEL SHEET.png [PER_SHEET] [named]` — without names it shows what a stranger recognises.
 */
import { readFile, writeFile } from "node:fs/promises";
import { join, parse } from "node:path";
import { finish, load, textToImage } from "limn";
import { contactSheet, openWideConcepts, promptFor, type SheetRow } from "limn/training";

const [model, file = "sheet.png", count = "300", names] = process.argv.slice(2);
const [seed, atOnce] = [1, 10];

/** Plain prompts of all things in the model's `limn.json`, in its order. */
async function promptsOf(folder: string): Promise<string[]> {
  const { knows } = JSON.parse(await readFile(join(folder, "limn.json"), "utf8")) as {
    knows: { en: string[] }[];
  };
  const countabilities = new Map(openWideConcepts(1).map((c) => [c.en, c.countability]));
  return knows.map(({ en: [en] }) =>
    promptFor({ en, countability: countabilities.get(en) ?? "count" }),
  );
}

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
  const prompts = await promptsOf(model);
  const [{ dir, name }, perSheet] = [parse(file), Number(count)];
  const sheets = Math.ceil(prompts.length / perSheet);
  for (let sheet = 0; sheet < sheets; sheet++) {
    const end = Math.min(prompts.length, (sheet + 1) * perSheet);
    const rows: SheetRow[] = [];
    for (let from = sheet * perSheet; from < end; from += atOnce) {
      const prompt = prompts.slice(from, Math.min(from + atOnce, end));
      const { images } = await finish(textToImage(painter, { prompt, seed }));
      images.forEach((image, i) => {
        const title = names === undefined ? String(from + i + 1) : prompt[i];
        rows.push({ title, pictures: [planesOf(image)] });
      });
    }
    const path = sheets === 1 ? file : join(dir, `${name}-${sheet + 1}.png`);
    await writeFile(
      path,
      await contactSheet(rows, 128, { thumbnail: 96, columns: rows.length > 100 ? 16 : 10 }),
    );
  }
}

void main();
