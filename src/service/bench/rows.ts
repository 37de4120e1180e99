/** @file From what was measured to what is told: one row for each setting, and the best of them. */
import { peakSignalToNoise } from "../../base/index.ts";
import { usualEngine } from "../engines/table.ts";
import type { DrawingSetting } from "../settings.ts";
import type { Finding } from "./measure.ts";

/** A setting's figures: seconds and bytes; null is unknown, never guessed. */
export interface BenchRow extends DrawingSetting {
  readonly step: { readonly least: number; readonly median: number } | null;
  readonly stepsPerSecond: number | null;
  /** A whole picture in a process that has drawn before. */
  readonly picture: number | null;
  /** Whether whole pictures were drawn, or their parts added up. */
  readonly pictureIs: "drawn" | "composed" | null;
  readonly startup: number | null;
  readonly privateBytes: number | null;
  /** Decibels between this picture and the f32 one of `reference`, 99 for the same bytes; null for that one itself. */
  readonly likeness: number | null;
  /** Calls of the network behind `step`. */
  readonly calls: number;
  readonly problem: string | null;
}

/** Pictures less alike than this may be told apart. */
const leastLikeness = 30;

/** Rows in the order of the settings. */
export function rowsOf(findings: readonly Finding[]): BenchRow[] {
  const reference = referenceOf(findings);
  return findings.map((finding) => {
    const { setting, startups, steps, wholes, problem, privateBytes } = finding;
    const step = steps.length === 0 ? null : { least: Math.min(...steps), median: middle(steps) };
    const picture = wholes.length > 0 ? middle(wholes) : composed(finding);
    const drawn = wholes.length > 0 ? "drawn" : "composed";
    return {
      ...setting,
      step,
      stepsPerSecond: step && 1 / step.median,
      picture,
      pictureIs: picture === null ? null : drawn,
      startup: startups.length === 0 ? null : middle(startups),
      privateBytes,
      likeness: finding === reference ? null : likeness(reference?.pixels, finding.pixels),
      calls: steps.length,
      problem,
    };
  });
}

/** The f32 picture that the others are held against: the usual engine's, where it drew one. */
function referenceOf(findings: readonly Finding[]): Finding | undefined {
  const exact = findings.filter(
    ({ setting, pixels }) => setting.precision === "f32" && pixels !== null,
  );
  return exact.find(({ setting }) => setting.engine === usualEngine) ?? exact[0];
}

/** Text, all calls of the network, and the decoder. */
function composed({ encodes, decodes, steps, calls }: Finding): number | null {
  if (encodes.length === 0 || decodes.length === 0 || steps.length === 0) return null;
  return middle(encodes) + calls * middle(steps) + middle(decodes);
}

/** Peak signal-to-noise ratio in decibels, 99 for equal pictures; null where two cannot be compared. */
export function likeness(
  a: Uint8Array | null | undefined,
  b: Uint8Array | null | undefined,
): number | null {
  if (!a || !b || a.length !== b.length) return null;
  return Math.min(99, peakSignalToNoise(a, b));
}

/** The middle one; of an even number the lower of the two. */
export function middle(numbers: readonly number[]): number {
  return [...numbers].sort((a, b) => a - b)[Math.floor((numbers.length - 1) / 2)];
}

/** What is this close to the fastest is as fast. */
const asFast = 1.03;

/**
 * The setting that draws soonest over all models, by the geometric mean of its time over each model's least. f32 and fewer
 * threads win where it costs nothing; bf16 counts only where its pictures are like those of f32.
 */
export function bestOf(models: readonly (readonly BenchRow[])[]): DrawingSetting | null {
  const [first] = models;
  if (!first) return null;
  const kinds = models.map(kindOf);
  const scored = first.flatMap((row, i) => {
    const times = models.map((rows, m) => timeOf(rows[i], kinds[m]));
    if (times.includes(null)) return [];
    const leasts = models.map((rows, m) => leastOf(rows, kinds[m]));
    return [{ row, score: meanRatio(times as number[], leasts) }];
  });
  const least = Math.min(...scored.map(({ score }) => score));
  const [best] = scored
    .filter(({ score }) => score <= asFast * least)
    .sort(
      ({ row: a }, { row: b }) =>
        Number(a.precision !== "f32") - Number(b.precision !== "f32") || a.threads - b.threads,
    );
  if (!best) return null;
  const { engine, precision, threads } = best.row;
  return { engine, precision, threads };
}

type Kind = "picture" | "step";

/** What is compared: whole pictures, unless some that worked drew none. */
function kindOf(rows: readonly BenchRow[]): Kind {
  return rows.every(({ problem, picture }) => problem !== null || picture !== null)
    ? "picture"
    : "step";
}

/** Seconds; null for what may not be chosen. */
function timeOf({ problem, precision, likeness: like, ...row }: BenchRow, kind: Kind) {
  if (problem !== null) return null;
  if (precision !== "f32" && (like === null || like < leastLikeness)) return null;
  return kind === "picture" ? row.picture : (row.step?.median ?? null);
}

function leastOf(rows: readonly BenchRow[], kind: Kind): number {
  return Math.min(...rows.map((row) => timeOf(row, kind)).filter((time) => time !== null));
}

function meanRatio(times: readonly number[], leasts: readonly number[]): number {
  const logs = times.map((time, m) => Math.log(time / leasts[m]));
  return Math.exp(logs.reduce((sum, x) => sum + x, 0) / logs.length);
}
