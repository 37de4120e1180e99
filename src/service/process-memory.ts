/** @file What memory a process takes, by Linux's own count. */
import { readFileSync } from "node:fs";

/** Bytes that are resident now. */
export interface ProcessMemory {
  /** Pages that are no files'. */
  readonly own: number;
  /** Pages of files: they give way, and other processes may share them. */
  readonly files: number;
}

/** Reads `/proc/PID/smaps_rollup`; null for a process that has ended, and where there is no such file. */
export function processMemory(pid: number | "self" | undefined): ProcessMemory | null {
  const text = textOf(`/proc/${pid}/smaps_rollup`);
  const [own, resident] = ["Anonymous", "Rss"].map((key) => kilobytesIn(text, key));
  return own === null || resident === null
    ? null
    : { own: 1024 * own, files: 1024 * (resident - own) };
}

/** The most bytes that were ever resident, files' pages included; null as above. */
export function mostResident(pid: number | "self" | undefined): number | null {
  const kilobytes = kilobytesIn(textOf(`/proc/${pid}/status`), "VmHWM");
  return kilobytes && 1024 * kilobytes;
}

function textOf(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return "";
  }
}

/** Of "Anonymous:     4100 kB". */
function kilobytesIn(text: string, key: string): number | null {
  const found = new RegExp(`^${key}:\\s+(\\d+) kB`, "m").exec(text)?.[1];
  return found === undefined ? null : Number(found);
}
