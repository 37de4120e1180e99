/** @file A run's diary: one CSV line per step, and the losses read back from it. */
import { appendFile, mkdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { writeFileAtomic } from "../formats/index.ts";
import type { TrainStep } from "./trainer.node.ts";

const columns = (metrics: readonly string[]) => ["step", ...metrics, "norm", "rate"];

/** The rows of a diary that are whole: each ends its line, has every cell and comes after the one before. */
function wholeRows(text: string, cells: number): string[] {
  const rows: string[] = [];
  // What comes after the last line break was being written when the run was killed.
  for (const row of text.split("\n").slice(1, -1)) {
    const numbers = row.split(",").map(Number);
    const last = Number.parseInt(rows.at(-1) ?? "0", 10);
    if (numbers.length === cells && numbers[0] > last) rows.push(row);
  }
  return rows;
}

/** Appends steps to `journal.csv`; lines of steps that a resumed run makes again are dropped at opening. */
export class Journal {
  readonly #file: string;
  #metrics: readonly string[] | null = null;
  private constructor(file: string) {
    this.#file = file;
  }

  /** Opens the diary of a run that goes on after `step` steps. */
  static async open(folder: string, step: number): Promise<Journal> {
    await mkdir(folder, { recursive: true });
    const journal = new Journal(join(folder, "journal.csv"));
    const text = await readFile(journal.#file, "utf8").catch(() => "");
    const [head] = text.split("\n");
    if (step === 0 || head === "") {
      await writeFileAtomic(journal.#file, new Uint8Array(0));
      return journal;
    }
    const cells = head.split(",");
    journal.#metrics = cells.slice(1, -2);
    const kept = wholeRows(text, cells.length).filter((row) => Number.parseInt(row, 10) <= step);
    await writeFileAtomic(journal.#file, new TextEncoder().encode([head, ...kept, ""].join("\n")));
    return journal;
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
    const text = await readFile(this.#file, "utf8").catch(() => "");
    const head = text.split("\n")[0].split(",");
    const column = head.indexOf("loss");
    return wholeRows(text, head.length)
      .map((row) => row.split(","))
      .map((cells) => ({ step: Number(cells[0]), loss: Number(cells[column]) }));
  }
}
