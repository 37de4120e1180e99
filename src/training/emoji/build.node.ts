/** @file Builds a data-set folder: emoji drawings as captioned pictures, reproducible from a seed. */
import { createHash } from "node:crypto";
import { mkdir, open, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { RequestError } from "../../base/index.ts";
import { writeFileAtomic } from "../../formats/index.ts";
import type { ColourName } from "./colours.ts";
import { firstConcepts, type Concept } from "./concepts.ts";
import { contactSheet, type SheetRow } from "./contact-sheet.node.ts";
import { drawPicture } from "./drawings.node.ts";
import { fingerprint } from "./fingerprint.node.ts";
import { planPictures, type PicturePlan } from "./plan.node.ts";
import type {
  BuildSettings,
  ConceptRecord,
  DatasetSummary,
  PictureRecord,
  RecolourPlan,
} from "./records.ts";
import { setNames, type SetName } from "./sets.ts";
import { matchConcept, openNames, openSet, type Source } from "./sources.node.ts";

/** What to build, and where. Everything drawn by chance follows from `seed`. */
export interface BuildOptions {
  readonly folder: string;
  readonly concepts?: readonly Concept[];
  readonly sets?: readonly SetName[];
  /** Pictures per drawing: the first centred, the others moved a little. */
  readonly variants?: number;
  readonly size?: number;
  readonly seed?: number;
  readonly recolour?: RecolourPlan | null;
}

/** How far a build has come, in concepts. */
export interface BuildProgress {
  readonly done: number;
  readonly total: number;
}

/** A build's progress in words, ten times in all; hands on what the build returns. */
export async function* tellingProgress<T>(
  building: AsyncGenerator<BuildProgress, T>,
): AsyncGenerator<string, T> {
  let told = 0;
  for (;;) {
    const next = await building.next();
    if (next.done) return next.value;
    const { done, total } = next.value;
    const tenths = Math.floor((10 * done) / total);
    if (tenths > told) yield `drawing the pictures of concept ${done} of ${total}`;
    told = tenths;
  }
}

/** A picture with its record: they are made, hashed and stored together. */
interface Picture {
  readonly record: PictureRecord;
  readonly bytes: Uint8Array;
}

/** Builds the folder, yielding after each concept; returns the summary that it also saves. */
export async function* buildEmojiDataset(
  options: BuildOptions,
): AsyncGenerator<BuildProgress, DatasetSummary> {
  const { folder, concepts = firstConcepts, sets: chosen = setNames } = options;
  const settings = settingsOf(options);
  const names = openNames();
  const sets = chosen.map(openSet);
  const hash = createHash("sha256");
  const items: PictureRecord[] = [];
  const known: ConceptRecord[] = [];
  const heldOut: (readonly [string, ColourName])[] = [];
  const rows: SheetRow[] = [];
  await mkdir(folder, { recursive: true });
  await using images = await partialFile(join(folder, "images.u8"));
  for (const [index, concept] of concepts.entries()) {
    const matched = matchConcept(concept, names, sets);
    known.push({ hexcode: matched.hexcode, words: matched.words });
    const plan = await planPictures(matched, index, settings);
    heldOut.push(...plan.heldOut.map((colour) => [matched.words.en, colour] as const));
    const pictures = await makeAll(plan.pictures);
    for (const { record, bytes } of pictures) {
      items.push(record);
      hash.update(bytes);
      await images.append(bytes);
    }
    rows.push({ title: matched.words.en, pictures: examplesOf(pictures) });
    yield { done: index + 1, total: concepts.length };
  }
  const text = JSON.stringify({ size: settings.size, concepts: known, items });
  const summary: DatasetSummary = {
    ...settings,
    counts: count(items),
    heldOut,
    sources: [names.source, ...sets.map((set): Source => set.source)],
    sha256: hash.update(text).digest("hex"),
  };
  await images.finish();
  await writeFileAtomic(join(folder, "items.json"), Buffer.from(text));
  const sheet = await contactSheet(rows, settings.size);
  await writeFileAtomic(join(folder, "contact-sheet.png"), sheet);
  const lines = JSON.stringify(summary, null, 2) + "\n";
  await writeFileAtomic(join(folder, "summary.json"), Buffer.from(lines));
  return summary;
}

function settingsOf(options: BuildOptions): BuildSettings {
  const { seed = 0, size = 128, variants = 4, recolour = null } = options;
  for (const [field, value, least] of [
    ["seed", seed, 0],
    ["size", size, 8],
    ["variants", variants, 1],
    ["recolour.colours", recolour?.colours ?? 0, 0],
    ["recolour.variants", recolour?.variants ?? 1, 1],
  ] as const)
    if (!Number.isInteger(value) || value < least)
      throw new RequestError(field, `must be a whole number from ${least}, got ${value}`);
  return { seed, size, variants, recolour };
}

async function makeAll(plans: readonly PicturePlan[]): Promise<Picture[]> {
  return Promise.all(
    plans.map(async ({ drawing, record }) => {
      const bytes = await drawPicture(drawing, record.placement, record.colour);
      return { record: { ...record, sha256: fingerprint(bytes) }, bytes };
    }),
  );
}

/** What the contact sheet shows of a thing: each drawing once, and four that are recoloured. */
function examplesOf(pictures: readonly Picture[]): Uint8Array[] {
  const first = pictures.filter(({ record }) => record.variant === 0);
  const own = first.filter(({ record }) => record.colour === null);
  const turned = first.filter(({ record }) => record.colour !== null);
  const stride = Math.max(1, Math.floor(turned.length / 4));
  const some = turned.filter((_, i) => i % stride === 0).slice(0, 4);
  return [...own, ...some].map(({ bytes }) => bytes);
}

function count(items: readonly PictureRecord[]): DatasetSummary["counts"] {
  const bySet: Partial<Record<SetName, number>> = {};
  for (const { set } of items) bySet[set] = (bySet[set] ?? 0) + 1;
  return {
    concepts: new Set(items.map(({ concept }) => concept)).size,
    drawings: new Set(items.map(({ set, icon }) => `${set} ${icon}`)).size,
    pictures: items.length,
    recoloured: items.filter(({ colour }) => colour !== null).length,
    bySet,
  };
}

/** A file too large for memory that takes its name only when finished, and vanishes when given up. */
async function partialFile(path: string) {
  const partial = `${path}.partial`;
  const file = await open(partial, "w");
  let finished = false;
  return {
    append: async (bytes: Uint8Array): Promise<void> => file.writeFile(bytes),
    finish: async (): Promise<void> => {
      await file.sync();
      await rename(partial, path);
      finished = true;
    },
    [Symbol.asyncDispose]: async (): Promise<void> => {
      await file.close();
      if (!finished) await rm(partial, { force: true });
    },
  };
}

/** The summary as lines for a terminal. */
export function describeSummary(summary: DatasetSummary): string {
  const { counts, sources, seed, size, sha256 } = summary;
  const sets = Object.entries(counts.bySet).map(([set, pictures]) => `${set} ${pictures}`);
  return [
    `${counts.pictures} pictures of ${counts.concepts} things, ${size}×${size}, seed ${seed}`,
    `from ${counts.drawings} drawings; ${counts.recoloured} recoloured; ${sets.join(", ")}`,
    ...sources.map((source) => `  ${source.package} ${source.version} (${source.licence})`),
    `sha256 ${sha256}`,
  ].join("\n");
}
