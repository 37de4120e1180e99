/** @file Captions beside latents: what the text stage and the diffusion stage draw their batches from. */
import { value, type Value } from "limn/runtime";
import { chance, type Chance } from "limn/training";
import { captionOf, openData, openTokenizer } from "./data.ts";
import { readLatents } from "./latents.ts";
import { latentShape, tokens } from "./networks.ts";

const size = latentShape.reduce((a: number, b) => a * b, 1);

/** One caption with the latents of the picture it was drawn for, and the mean latents of that drawing. */
export interface Pair {
  readonly caption: string;
  readonly latents: Float32Array;
  readonly mean: Float32Array;
}

/** Draws pairs; the picture and its caption come from one record, so they cannot fall out of step. */
export interface Pairs {
  draw(draw: Chance): Pair;
  /** Token ids of captions, i64 [B, tokens]. */
  ids(captions: readonly string[]): Value;
}

function meanOf(rows: readonly Float32Array[]): Float32Array {
  const mean = new Float32Array(size);
  for (const row of rows) for (let i = 0; i < size; i++) mean[i] += row[i] / rows.length;
  return mean;
}

/** Opens data, latents and tokenizer of a run; a share of the draws is recoloured pictures. */
export async function openPairs(
  folder: string,
  { recoloured }: { recoloured: number },
): Promise<Pairs> {
  const data = await openData(folder);
  const tokenizer = await openTokenizer(folder);
  const all = await readLatents(folder, data.count);
  const latentsOf = (k: number) => all.subarray(k * size, (k + 1) * size);
  const drawings = new Map<string, number[]>();
  for (let k = 0; k < data.count; k++) {
    const { concept, set, colour } = data.item(k);
    const key = `${concept} ${set} ${colour}`;
    drawings.set(key, [...(drawings.get(key) ?? []), k]);
  }
  const means = new Map<number, Float32Array>();
  for (const group of drawings.values()) {
    const mean = meanOf(group.map(latentsOf));
    for (const k of group) means.set(k, mean);
  }
  const overall = meanOf([...drawings.values()].map(([k]) => means.get(k) ?? latentsOf(k)));
  const kinds = { plain: [] as number[], coloured: [] as number[] };
  for (let k = 0; k < data.count; k++)
    (data.item(k).colour === null ? kinds.plain : kinds.coloured).push(k);
  return {
    draw(draw) {
      const kind = draw() < recoloured ? kinds.coloured : kinds.plain;
      const k = kind[Math.floor(draw() * kind.length)];
      const caption = captionOf(data, k, draw);
      return {
        caption,
        latents: latentsOf(k),
        mean: caption === "" ? overall : (means.get(k) ?? overall),
      };
    },
    ids(captions) {
      const rows = captions.flatMap((caption) => [...tokenizer.encodePadded(caption)]);
      return value(rows, [captions.length, tokens], "i64");
    },
  };
}

/** The pairs of one step of a stage. */
export function drawPairs(pairs: Pairs, batch: number, path: readonly number[]): Pair[] {
  return Array.from({ length: batch }, (_, row) => pairs.draw(chance(...path, row)));
}

/** Rows of numbers as one value [B, …shape]. */
export function stack(rows: readonly Float32Array[], shape: readonly number[]): Value {
  const length = rows[0].length;
  const data = new Float32Array(rows.length * length);
  rows.forEach((row, i) => data.set(row, i * length));
  return value(data, [rows.length, ...shape]);
}
