/** @file A run's diary: one CSV line per step, and the loss curve drawn from it. */
import { appendFile, mkdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { writeFileAtomic } from "../formats/index.ts";
import type { TrainStep } from "./trainer.node.ts";

const columns = (metrics: readonly string[]) => ["step", ...metrics, "norm", "rate"];

/** Appends steps to `journal.csv`; lines of steps that a resumed run makes again are dropped at opening. */
export class Journal {
  readonly #file: string;
  #metrics: readonly string[] | null = null;
  #lines: string[] = [];
  private constructor(file: string) {
    this.#file = file;
  }

  /** Opens the diary of a run that goes on after `step` steps. */
  static async open(folder: string, step: number): Promise<Journal> {
    await mkdir(folder, { recursive: true });
    const journal = new Journal(join(folder, "journal.csv"));
    const text = await readFile(journal.#file, "utf8").catch(() => "");
    const [head, ...rows] = text.split("\n").filter((line) => line !== "");
    if (head === undefined) return journal;
    journal.#metrics = head.split(",").slice(1, -2);
    const kept = rows.filter((row) => Number.parseInt(row, 10) <= step);
    await writeFileAtomic(journal.#file, new TextEncoder().encode([head, ...kept, ""].join("\n")));
    return journal;
  }

  add({ step, metrics, norm, rate }: TrainStep): void {
    if (!this.#metrics) {
      this.#metrics = Object.keys(metrics);
      this.#lines.push(columns(this.#metrics).join(","));
    }
    const numbers = [step, ...this.#metrics.map((name) => metrics[name]), norm, rate];
    this.#lines.push(numbers.map((n) => String(Number(n.toPrecision(7)))).join(","));
  }

  /** Writes what was added since the last call. */
  async flush(): Promise<void> {
    if (this.#lines.length === 0) return;
    const text = `${this.#lines.join("\n")}\n`;
    this.#lines = [];
    await appendFile(this.#file, text);
  }

  /** The loss of every step so far. */
  async losses(): Promise<{ step: number; loss: number }[]> {
    await this.flush();
    const [head, ...rows] = (await readFile(this.#file, "utf8").catch(() => "")).split("\n");
    const column = (head ?? "").split(",").indexOf("loss");
    return rows
      .filter((row) => row !== "")
      .map((row) => row.split(","))
      .map((cells) => ({ step: Number(cells[0]), loss: Number(cells[column]) }));
  }
}
