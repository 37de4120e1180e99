/** @file What may be asked of a compilation, alike for every engine. */
import { RequestError } from "../base/index.ts";
import type { CompileOptions, Engine, Precision } from "./engine.ts";

/** Each session starts its own threads: far more of them than cores would stop the whole machine. */
const mostThreads = 512;

/** Throws RequestError where an engine is asked for threads or a precision that it does not have. */
export function checkOptions(
  { name, precisions }: Pick<Engine, "name" | "precisions">,
  { threads, precision = "f32" }: CompileOptions,
): void {
  const fits = Number.isInteger(threads) && Number(threads) >= 1 && Number(threads) <= mostThreads;
  if (threads !== undefined && !fits)
    throw new RequestError(
      "threads",
      `must be a whole number between 1 and ${mostThreads}, got ${threads}`,
    );
  checkPrecision(precision, { name, precisions });
}

/** Throws RequestError where an engine lacks a precision. */
export function checkPrecision(
  precision: Precision,
  { name, precisions }: Pick<Engine, "name" | "precisions">,
): void {
  if (precisions.includes(precision)) return;
  throw new RequestError(
    "precision",
    `the engine ${name} computes in ${precisions.join(" or ")} on this machine, not in ${precision}`,
    { hint: "limn engines shows what each can" },
  );
}
