/** @file All that commands print: what comes from files, prompts and errors is shown by a terminal and not obeyed. */
import { inert, inertJson } from "../base/index.ts";

/** A line of the result, on stdout. */
export function print(line: string): void {
  console.log(inert(line));
}

/** A line about the work, on stderr. */
export function say(line: string): void {
  console.error(inert(line));
}

/** As `say`, below what a terminal shows of Ctrl-C. */
export function sayBelow(line: string): void {
  console.error();
  say(line);
}

/** A path, on stdout: programs get it letter by letter, as `ls` gives it. */
export function printPath(path: string): void {
  console.log(process.stdout.isTTY ? inert(path) : path);
}

/** The result as one JSON object on stdout; maps become objects. */
export function printJson(value: unknown): void {
  const plain = (_: string, each: unknown): unknown =>
    each instanceof Map ? Object.fromEntries(each) : each;
  console.log(inertJson(value, plain));
}
