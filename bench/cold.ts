/**
 * @file `limn "a red apple"` from the shell prompt to the file, and `limn --help` against bare Node.js; diffusers beside.
 * Run: npm run build && LIMN_PEERS=python npx jiti bench/cold.ts [--model models/emblem] [--rounds 5]
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { processMemory } from "../src/service/process-memory.ts";
import { peers, spread } from "./contest.ts";
import { randomEmblem } from "./emblem.ts";
import { writeReport } from "./report.ts";

const at = (path: string) => fileURLToPath(new URL(path, import.meta.url));
const [limn, emblem] = [at("../dist/cli/main.js"), at("../models/emblem")];

/** A command line that ends with a picture or a text, and where it keeps its cache. */
interface Command {
  readonly name: string;
  readonly words: (out: string) => readonly [string, ...string[]];
  readonly cache: string | null;
}

/** Seconds of a process, and the most private memory that was seen while it lived (0 when nobody looked). */
async function live(
  { words, cache }: Command,
  look: "look" | "leave alone",
): Promise<[number, number]> {
  const folder = mkdtempSync(join(tmpdir(), "limn-cold-"));
  const [program, ...rest] = words(join(folder, "picture.png"));
  const from = performance.now();
  const environment = { ...process.env, LIMN_CACHE: cache ?? join(folder, "cache") };
  const child = spawn(program, rest, { env: environment, stdio: "ignore" });
  let most = 0;
  const watch =
    look === "look"
      ? setInterval(() => (most = Math.max(most, privateMegabytes(child.pid))), 10)
      : undefined;
  const [code] = (await once(child, "exit")) as [number | null];
  const seconds = (performance.now() - from) / 1000;
  clearInterval(watch);
  rmSync(folder, { recursive: true, force: true });
  if (code !== 0) throw new Error(`${program} ${rest.join(" ")} ended with ${code}`);
  return [seconds, most];
}

function privateMegabytes(pid: number | undefined): number {
  return (processMemory(pid)?.own ?? 0) / 2 ** 20; // it may have ended, or this is no Linux
}

async function takeTurns(commands: readonly Command[], rounds: number) {
  const seconds = commands.map((): number[] => []);
  for (let round = 0; round < rounds; round++)
    for (const [i, command] of commands.entries())
      seconds[i].push((await live(command, "leave alone"))[0]);
  return seconds.map(spread);
}

const { values } = parseArgs({
  options: { model: { type: "string" }, rounds: { type: "string", default: "5" } },
});
if (!existsSync(limn)) throw new Error("there is no dist/: npm run build");
const model = values.model ?? (existsSync(emblem) ? emblem : await randomEmblem());
const kept = mkdtempSync(join(tmpdir(), "limn-cold-cache-"));
const picture = (out: string) =>
  [process.execPath, limn, "a red apple", "--model", model, "--out", out] as const;
const python = peers;
const drawing: Command[] = [
  { name: "limn", cache: kept, words: picture },
  { name: "limn, very first (makes the f32 twin)", cache: null, words: picture },
  ...(python
    ? [
        {
          name: "diffusers",
          cache: kept,
          words: (out: string) => [python, at("peers/cold.py"), model, out] as const,
        },
      ]
    : []),
];
const talking: Command[] = [
  { name: "node -e 0", cache: kept, words: () => [process.execPath, "-e", "0"] },
  { name: "limn --help", cache: kept, words: () => [process.execPath, limn, "--help"] },
];
await takeTurns([...drawing, ...talking], 1); // files into the page cache, the twin into limn's
const rounds = Number(values.rounds);
const drawn = await takeTurns(drawing, rounds);
const memory: number[] = [];
for (const command of drawing) memory.push((await live(command, "look"))[1]);
const talked = await takeTurns(talking, 3 * rounds);
rmSync(kept, { recursive: true });
await writeReport("cold", {
  notes: [
    `\`limn "a red apple"\` at the defaults of ${model === emblem ? "models/emblem" : values.model ? "the model given" : "a model of its size with random numbers"}; ${rounds} rounds by turns.`,
  ],
  tables: [
    {
      title: "From the shell prompt to the file",
      head: ["", "least, s", "median, s", "private MB, most"],
      rows: drawing.map(({ name }, i) => [name, drawn[i].least, drawn[i].median, memory[i]]),
    },
    {
      title: "Start of the command",
      head: ["", "least, ms", "median, ms"],
      rows: talking.map(({ name }, i) => [name, 1000 * talked[i].least, 1000 * talked[i].median]),
    },
  ],
});
