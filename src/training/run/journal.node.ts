/** @file A run's diary: one CSV line per step, and the losses read back from it. */
import { appendFile, mkdir, readFile, rename } from "node:fs/promises";
import { join } from "node:path";
import { FormatError } from "../../base/index.ts";
import { writeFileAtomic } from "../../formats/index.ts";
import type { TrainStep } from "../trainer.node.ts";

const columns = (metrics: readonly string[]) => ["step", ...metrics, "norm", "rate"];

/** What a diary says: its columns, null where it does not name them, and its rows, those left out counted. */
interface Diary {
  readonly head: readonly string[] | null;
  readonly rows: readonly string[];
  readonly unreadable: number;
}

/** The rows of a diary that are whole: each has a number in every cell and comes after the one before. */
function parseDiary(text: string): Diary {
  // What comes after the last line break was being written when the run was killed.
  const [first = "", ...lines] = text.split("\n").slice(0, -1);
  const head = first.split(",");
  const metrics = head.slice(1, -2);
  if (!metrics.includes("loss") || columns(metrics).join() !== first)
    return { head: null, rows: [], unreadable: 0 };
  const rows: string[] = [];
  let last = 0;
  for (const line of lines) {
    const cells = line.split(",");
    const step = Number(cells[0]);
    const whole = cells.every((cell) => cell !== "" && Number.isFinite(Number(cell)));
    if (!whole || cells.length !== head.length || !(step > last)) continue;
    rows.push(line);
    last = step;
  }
  return { head, rows, unreadable: lines.length - rows.length };
}

/** The text of a diary; null where there is none. */
async function readDiary(file: string): Promise<string | null> {
  return readFile(file, "utf8").catch((cause: NodeJS.ErrnoException) => {
    if (cause.code === "ENOENT") return null;
    const hint = "make it readable, or move it away";
    throw new FormatError(`${file} cannot be read`, { hint, cause });
  });
}

/** Appends steps to `journal.csv`; lines of steps that a resumed run makes again are dropped at opening. */
export class Journal {
  readonly #file: string;
  #metrics: readonly string[] | null = null;
  readonly #notes: string[] = [];
  private constructor(file: string) {
    this.#file = file;
  }

  /** What was found amiss at opening, one sentence each. */
  get notes(): readonly string[] {
    return this.#notes;
  }

  /** Opens the diary of a run that goes on after `step` steps. */
  static async open(folder: string, step: number): Promise<Journal> {
    await mkdir(folder, { recursive: true });
    const journal = new Journal(join(folder, "journal.csv"));
    const text = step === 0 ? "" : await readDiary(journal.#file);
    const { head, rows, unreadable } = parseDiary(text ?? "");
    if (!head) {
      if (step > 0) await journal.#beginLate(step, text);
      await writeFileAtomic(journal.#file, new Uint8Array(0));
      return journal;
    }
    if (unreadable > 0)
      journal.#notes.push(`${journal.#file}: rows that cannot be read are left out: ${unreadable}`);
    journal.#metrics = head.slice(1, -2);
    const kept = rows.filter((row) => Number.parseInt(row, 10) <= step);
    const lines = [head.join(), ...kept, ""].join("\n");
    await writeFileAtomic(journal.#file, new TextEncoder().encode(lines));
    return journal;
  }

  /** Tells that the steps so far are in no diary; one that names no columns is moved aside and not lost. */
  async #beginLate(step: number, text: string | null): Promise<void> {
    const lack = `the diary begins after step ${step}`;
    if (text === null || text === "") {
      this.#notes.push(`${this.#file} is ${text === null ? "missing" : "empty"}: ${lack}`);
      return;
    }
    const aside = this.#file.replace(/\.csv$/, `-before-${step}.csv`);
    await rename(this.#file, aside);
    this.#notes.push(`${this.#file} does not name its columns: it is ${aside} now, and ${lack}`);
  }

  /** Writes a step down at once: a checkpoint that knows the step comes after its line. */
  async add({ step, metrics, norm, rate }: TrainStep): Promise<void> {
    const head = this.#metrics === null;
    this.#metrics ??= Object.keys(metrics);
    const numbers = [step, ...this.#metrics.map((name) => metrics[name]), norm, rate];
    const line = numbers.map((n) => String(Number(n.toPrecision(7)))).join(",");
    await appendFile(this.#file, `${head ? `${columns(this.#metrics).join(",")}\n` : ""}${line}\n`);
  }

  /** The loss of every step so far. */
  async losses(): Promise<{ step: number; loss: number }[]> {
    const { head, rows } = parseDiary((await readDiary(this.#file)) ?? "");
    const column = head?.indexOf("loss") ?? -1;
    return rows
      .map((row) => row.split(",").map(Number))
      .map((cells) => ({ step: cells[0], loss: cells[column] }));
  }
}
