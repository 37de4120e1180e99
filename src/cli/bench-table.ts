/** @file What `limn bench` says before it begins, and its table. */
import type { BenchPlan, BenchRow, DrawingSetting, ModelResult } from "../service/index.ts";

/** "openvino bf16, 2 threads". */
export function settingText({ engine, precision, threads }: DrawingSetting): string {
  return `${engine} ${precision}, ${threads} ${threads === 1 ? "thread" : "threads"}`;
}

/** What will be done and how long it takes, and what cannot be. */
export function planLines(plan: BenchPlan, seconds: number): string[] {
  const { settings, versions, absent } = plan;
  const engines = Object.entries(versions).map(([name, version]) => `${name} ${version}`);
  const what = `measuring ${settings.length} settings of ${engines.join(" and ")}`;
  return [
    ...(settings.length > 0
      ? [`${what} for about ${seconds} s; other programs that run meanwhile falsify the figures`]
      : []),
    ...absent.map(({ engine, reason }) => `without ${engine}: ${reason}`),
  ];
}

const head = ["", "steps/s", "picture, s", "start, s", "private MB", "like f32, dB"];

/** A model's table; the best setting is marked. */
export function resultLines(
  { model, rows, steps, rounds }: ModelResult,
  best: DrawingSetting | null,
): string[] {
  const how = steps === null ? "whole pictures" : `pictures of ${steps} steps`;
  const cells = rows.map((row) => [settingText(row), ...figures(row)]);
  const widths = head.map((word, i) => Math.max(word.length, ...cells.map((row) => row[i].length)));
  const line = (row: readonly string[]) =>
    row.map((text, i) => (i === 0 ? text.padEnd(widths[i]) : text.padStart(widths[i]))).join("  ");
  const composed = rows.some(({ pictureIs }) => pictureIs === "composed");
  return [
    `${model}: ${rounds} rounds of ${how}, the middle one of each figure`,
    line(head),
    ...rows.map((row, i) => line(cells[i]) + remark(row, best)),
    ...(composed ? ["~ added up from text, steps and decoder"] : []),
    "",
  ];
}

function figures({
  stepsPerSecond,
  picture,
  pictureIs,
  startup,
  privateBytes,
  likeness,
}: BenchRow) {
  const about = pictureIs === "composed" ? "~" : "";
  return [
    number(stepsPerSecond),
    picture === null ? "–" : about + number(picture),
    number(startup),
    privateBytes === null ? "–" : (privateBytes / 1e6).toFixed(0),
    likeness === null ? "–" : likeness >= 99 ? "same" : likeness.toFixed(0),
  ];
}

const number = (x: number | null): string =>
  x === null ? "–" : x >= 100 ? x.toFixed(0) : x.toPrecision(3);

function remark(row: BenchRow, best: DrawingSetting | null): string {
  if (row.problem !== null) return `  ${row.problem}`;
  const same = (["engine", "precision", "threads"] as const).every(
    (key) => row[key] === best?.[key],
  );
  return same ? "  ← best" : "";
}
