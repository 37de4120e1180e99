/** @file The emblem's data: things drawn by four emoji sets, in their own colours and in others. */
import { mkdir, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { writeFileAtomic } from "limn/formats";
import { ClipTokenizer, trainBpe } from "limn/text";
import {
  buildEmojiDataset,
  captionShares,
  chance,
  describeSummary,
  loadDataset,
  tellingProgress,
  type Chance,
  type Concept,
  type Dataset,
} from "limn/training";
import { tokens, vocabulary } from "./networks.ts";

const seed = 0;
const done = (path: string) =>
  stat(path).then(
    () => true,
    () => false,
  );
const datasetFolder = (folder: string) => join(folder, "data");

export const openData = (folder: string) => loadDataset(datasetFolder(folder));

/**
 * A caption of picture k. A drawing of the first set goes by its plain name more often than not, the others always
 * name their style: so a prompt without one means one look, and not a mixture of all.
 */
export function captionOf(data: Dataset, k: number, draw: Chance): string {
  const style = data.item(k).set === "flat" ? 0.3 : 1;
  return data.caption(k, draw, { ...captionShares, style });
}

async function buildTokenizer(folder: string): Promise<void> {
  using data = await openData(folder);
  const counts = new Map<string, number>();
  for (let i = 0; i < 60_000; i++) {
    const caption = captionOf(data, i % data.count, chance(seed, 1, i));
    counts.set(caption, (counts.get(caption) ?? 0) + 1);
  }
  const { vocab, merges } = trainBpe(counts, vocabulary);
  const config = JSON.stringify({
    tokenizer_class: "CLIPTokenizer",
    bos_token: "<|startoftext|>",
    eos_token: "<|endoftext|>",
    unk_token: "<|endoftext|>",
    pad_token: "<|endoftext|>",
    model_max_length: tokens,
  });
  const encoder = new TextEncoder();
  await writeTokenizer(folder, {
    "merges.txt": encoder.encode(merges),
    "tokenizer_config.json": encoder.encode(config),
    "vocab.json": encoder.encode(vocab),
  });
}

/** Files of a tokenizer. The last one comes last: its presence says that the tokenizer is complete. */
const tokenizerFiles = ["merges.txt", "tokenizer_config.json", "vocab.json"] as const;
const hasTokenizer = (folder: string) => done(join(folder, "tokenizer", tokenizerFiles[2]));

/** Writes the tokenizer of a run, each file whole or not at all. */
export async function writeTokenizer(
  folder: string,
  files: Readonly<Record<(typeof tokenizerFiles)[number], Uint8Array>>,
): Promise<void> {
  const path = join(folder, "tokenizer");
  await mkdir(path, { recursive: true });
  for (const name of tokenizerFiles) await writeFileAtomic(join(path, name), files[name]);
}

export async function openTokenizer(folder: string): Promise<ClipTokenizer> {
  const read = (name: string) => readFile(join(folder, "tokenizer", name), "utf8");
  return ClipTokenizer.fromFiles({
    vocab: await read("vocab.json"),
    merges: await read("merges.txt"),
    config: await read("tokenizer_config.json"),
  });
}

/** Draws the pictures of things into the run folder, unless they are there. */
async function* preparePictures(
  folder: string,
  concepts: readonly Concept[],
): AsyncGenerator<string> {
  if (await done(join(datasetFolder(folder), "summary.json"))) return;
  const recolour = { colours: 3, variants: 1, heldOut: 0.1 };
  const building = buildEmojiDataset({
    folder: datasetFolder(folder),
    concepts,
    seed,
    recolour,
  });
  yield describeSummary(yield* tellingProgress(building));
}

/** Builds pictures and tokenizer in the run folder, unless they are there. */
export async function* prepareData(
  folder: string,
  concepts: readonly Concept[],
): AsyncGenerator<string> {
  yield* preparePictures(folder, concepts);
  if (await hasTokenizer(folder)) return;
  await buildTokenizer(folder);
  yield `tokenizer of ${vocabulary} entries`;
}

/** Builds pictures for a model that is trained further: its tokenizer stays, or its words would lose their meaning. */
export async function* prepareFurtherData(
  folder: string,
  { concepts, model }: { concepts: readonly Concept[]; model: string },
): AsyncGenerator<string> {
  yield* preparePictures(folder, concepts);
  if (await hasTokenizer(folder)) return;
  const read = (name: string) => readFile(join(model, "tokenizer", name));
  await writeTokenizer(folder, {
    "merges.txt": await read("merges.txt"),
    "tokenizer_config.json": await read("tokenizer_config.json"),
    "vocab.json": await read("vocab.json"),
  });
}
