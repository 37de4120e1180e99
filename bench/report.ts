/** @file Results as files: `bench/results/NAME.md` to read and `NAME.json` to compute with, the machine named in both. */
import { mkdir, writeFile } from "node:fs/promises";
import { cpus, loadavg, release, totalmem, type } from "node:os";
import { fileURLToPath } from "node:url";
import { format, resolveConfig } from "prettier";

/** A table of a report: rows of words and numbers under a head. */
export interface Table {
  readonly title: string;
  readonly head: readonly string[];
  readonly rows: readonly (readonly (string | number)[])[];
}

/** The machine and how busy it is, in a line. */
export function machine(): string {
  const load = loadavg()[0].toFixed(1);
  const memory = `${(totalmem() / 2 ** 30).toFixed(0)} GiB`;
  const model = cpus()[0]?.model.trim() ?? "unknown processor";
  return `${model}, ${cpus().length} cores, ${memory}, ${type()} ${release()}, Node.js ${process.version}, load ${load}`;
}

const cell = (x: string | number) => (typeof x === "number" ? shown(x) : x);
const shown = (x: number) => (Math.abs(x) >= 100 ? x.toFixed(0) : x.toPrecision(3));
const line = (cells: readonly (string | number)[]) => `| ${cells.map(cell).join(" | ")} |`;

function markdown({ title, head, rows }: Table): string {
  const rule = head.map((_, i) => (i === 0 ? "---" : "--:"));
  return [`**${title}**`, "", line(head), line(rule), ...rows.map(line), ""].join("\n");
}

/** Prints a report and writes it to `bench/results/`. */
export async function writeReport(
  name: string,
  { notes, tables }: { notes: readonly string[]; tables: readonly Table[] },
): Promise<void> {
  const where = machine();
  const text = [`# ${name}`, "", where, "", ...notes, "", ...tables.map(markdown)].join("\n");
  const folder = fileURLToPath(new URL("results/", import.meta.url));
  await mkdir(folder, { recursive: true });
  const write = async (filepath: string, content: string) => {
    const style = await resolveConfig(filepath);
    await writeFile(filepath, await format(content, { ...style, filepath }));
  };
  await write(`${folder}${name}.md`, text);
  await write(`${folder}${name}.json`, JSON.stringify({ name, machine: where, notes, tables }));
  console.log(text);
}
