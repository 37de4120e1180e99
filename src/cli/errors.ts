/** @file How failures end a command: one sentence, what to do, and an exit code. */
import { LimnError, RequestError } from "../base/index.ts";
import { printJson, say } from "./print.ts";
import { Shown } from "./program.ts";

/** Stopped by a signal, after all was put in order. */
export class Interrupted extends Error {
  readonly exitCode: 130 | 143;
  constructor(exitCode: 130 | 143) {
    super(exitCode === 130 ? "interrupted" : "terminated");
    this.exitCode = exitCode;
  }
}

/** 0 for help that was asked for, 2 for bad arguments, 130 and 143 for signals, else 1. */
export function exitCodeOf(error: unknown): number {
  if (error instanceof Shown) return 0;
  if (error instanceof Interrupted) return error.exitCode;
  return error instanceof RequestError ? 2 : 1;
}

/** Says what went wrong: a sentence on stderr, or with `json` an object on stdout. */
export function printError(
  error: unknown,
  { json, debug }: { json: boolean; debug: boolean },
): void {
  if (error instanceof Shown) return;
  const { code, message, hint } = describe(error);
  if (json) printJson({ error: { code, message, ...(hint === null ? {} : { hint }) } });
  else say(`limn: ${message}${hint === null ? "" : ` (${hint})`}`);
  if (debug && error instanceof Error) for (const line of stackOf(error).split("\n")) say(line);
}

function describe(error: unknown): { code: string; message: string; hint: string | null } {
  if (error instanceof LimnError)
    return { code: error.code, message: tidy(error.message), hint: error.hint ?? null };
  if (error instanceof Interrupted)
    return { code: error.message, message: error.message, hint: null };
  const message = error instanceof Error ? error.message : String(error);
  return { code: codeOf(error), message, hint: "--debug shows where" };
}

/** Complaints about the arguments as a whole need no field before them. */
function tidy(message: string): string {
  return message.replace(/^arguments: /, "");
}

/** Errors of the system have codes of their own, such as ENOSPC. */
function codeOf(error: unknown): string {
  const { code } = Object(error) as { code?: unknown };
  return typeof code === "string" ? code : "internal";
}

function stackOf(error: Error): string {
  const cause = error.cause instanceof Error ? `\ncaused by ${stackOf(error.cause)}` : "";
  return `${error.stack ?? error.message}${cause}`;
}
