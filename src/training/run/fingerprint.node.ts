/** @file What a stage's numbers depend on, kept beside them: a recipe that was changed shall not go on with them unnoticed. */
import { createHash } from "node:crypto";
import { RequestError } from "../../base/index.ts";
import { print } from "../../tensor/index.ts";
import type { Prepared } from "../prepare.ts";
import type { Run, Stage } from "../recipe.ts";

/** Texts by name; in a file's metadata each name begins with `recipe.`. */
export type Fingerprint = ReadonlyMap<string, string>;

const prefix = "recipe.";
const engineKey = "computed-by";

/**
 * The settings of a stage, and hashes of its network and loss and of its shares of the rate. The graph of gradients follows
 * from the loss, up to roundings: a better rule of differentiation shall not keep a run from going on.
 */
export function fingerprintOf(stage: Stage, { forward, trained }: Prepared): Fingerprint {
  const { seed, steps, accumulate = 1, optimizer, rate, clip, ema } = stage;
  const settings = { seed, steps, accumulate, optimizer, rate, clip, ema };
  const texts = Object.entries(settings).map(([name, value]) => [name, sortedJson(value)] as const);
  const shares = trained.map(({ path, rate: share }) => [path, share]);
  return new Map([
    ...texts,
    ["shares", hashOf(JSON.stringify(shares))],
    ["network", hashOf(print(forward))],
  ]);
}

/** Entries of a file's metadata that say what it was made by. */
export type Marks = ReadonlyMap<string, string>;

/** A fingerprint, and what computes, as marks. */
export function marksOf(fingerprint: Fingerprint, run: Run): Marks {
  const recipe = [...fingerprint].map(([name, text]) => [prefix + name, text] as const);
  return new Map([...recipe, [engineKey, computedBy(run)]]);
}

/** Whether a file was written with a fingerprint: limn's first runs were not. */
export function hasFingerprint(metadata: Marks): boolean {
  return [...metadata.keys()].some((key) => key.startsWith(prefix));
}

/** Which engine computes in what, as a text. */
export const computedBy = ({ engine, precision }: Run): string => `${engine.name} ${precision}`;

/** What computed a file. Before there was a choice nothing was written down. */
export function computedThen(metadata: Marks): string {
  return metadata.get(engineKey) ?? "ort f32";
}

/** Throws RequestError where a file was made by a stage that differs, and says in what. */
export function checkFingerprint(file: string, metadata: Marks, fingerprint: Fingerprint): void {
  const differing = [...fingerprint].flatMap(([name, now]) => {
    const then = metadata.get(prefix + name) ?? "unknown";
    if (then === now) return [];
    return [hashed.has(name) ? name : `${name} (${then} then, ${now} now)`];
  });
  if (differing.length === 0) return;
  throw new RequestError(
    "recipe",
    `${file} was made with other settings: ${differing.join(", ")}`,
    {
      hint: "give another folder with --out, or the recipe as it was",
    },
  );
}

const hashed = new Set(["shares", "network"]);

const hashOf = (text: string) => createHash("sha256").update(text).digest("hex").slice(0, 16);

/** JSON whose keys are in order: a recipe may write its settings in any. */
function sortedJson(value: unknown): string {
  return JSON.stringify(value, (_, inner: unknown) =>
    typeof inner === "object" && inner !== null && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)))
      : inner,
  );
}
