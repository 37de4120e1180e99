/**
 * @file A training step of the emblem's UNet, split into forward, both gradients and update, on every engine and in every
 * precision that is here; PyTorch beside, f32 and autocast to bf16.
 * Run: LIMN_PEERS=python npx jiti bench/train-step.ts [--threads 1] [--batch 16] [--rounds 8]
 */
import { join } from "node:path";
import { parseArgs } from "node:util";
import {
  elementwiseEngine,
  findOpenVino,
  openVinoEngine,
  ortEngine,
  value,
  type Engine,
  type Precision,
  type Program,
  type Value,
} from "../src/runtime/index.ts";
import type { Graph } from "../src/tensor/index.ts";
import { slotName } from "../src/training/optimizers/update.ts";
import { Updater } from "../src/training/updater.node.ts";
import { costOf, openPeer, peerContestant, peers, spread, takeTurns } from "./contest.ts";
import type { Contestant, Cost, Peer } from "./contest.ts";
import { emblemStep, type EmblemStep } from "./emblem-step.ts";
import { benchFolder } from "./random-model.ts";
import { writeReport, type Table } from "./report.ts";
import { writeTrainFolder } from "./train-folder.ts";

const { values: words } = parseArgs({
  options: {
    threads: { type: "string", default: "1" },
    batch: { type: "string", default: "16" },
    rounds: { type: "string", default: "8" },
  },
});
const [threads, batch, rounds] = [words.threads, words.batch, words.rounds].map(Number);

/** Parts of the gradients' work, each of which contains the ones before it. */
const losses = ["forward", "inputGradient", "gradients"] as const;

/** Memory that a program's outputs are written into, as the trainer does. */
const memoryFor = (graph: Graph) =>
  Object.fromEntries(
    [...graph.outputs].map(([name, { shape, size }]) => [
      name,
      value(new Float32Array(size), shape),
    ]),
  );

/** What limn computes with: gradients in some precision, updates in loops as `limn train` has them. */
interface Setting {
  readonly name: string;
  readonly engine: Engine;
  readonly precision: Precision;
}

async function settings(): Promise<Setting[]> {
  const engines = [await ortEngine(), ...(findOpenVino() ? [await openVinoEngine()] : [])];
  return engines.flatMap((engine) =>
    engine.precisions.map((precision) => {
      const name = `limn, ${engine.name} ${engine.version} ${precision}`;
      return { name, engine, precision };
    }),
  );
}

/** A program as a contestant; the last one's outputs are kept. */
async function contestant(
  name: string,
  graph: Graph,
  { engine, precision }: Omit<Setting, "name">,
  feeds: Readonly<Record<string, Value>>,
): Promise<{ contestant: Contestant; program: Program; into: Record<string, Value> }> {
  const bind = () => ({ kind: "input" }) as const;
  const program = await engine.compile(graph, { bind, threads, precision });
  const into = memoryFor(graph);
  return {
    contestant: { name, run: () => costOf(() => program.run(feeds, { into })) },
    program,
    into,
  };
}

const theirs = (peer: Peer) =>
  ["forward", "gradients", "update", "fused update", "bf16 forward", "bf16 gradients"].map((part) =>
    peerContestant(`PyTorch ${part}`, peer, { do: part }),
  );

async function peerFolder(): Promise<string> {
  const folder = join(benchFolder, "train-step");
  await writeTrainFolder(folder, batch);
  return folder;
}

function tableOf(
  costs: ReadonlyMap<string, readonly Cost[]>,
  kind: keyof Cost,
  made: readonly Setting[],
): Table {
  const least = (name: string) => spread((costs.get(name) ?? []).map((c) => c[kind])).least;
  const update = least("update");
  const own = made.map(({ name }): [string, ...(number | string)[]] => {
    const [forward, towards, all] = losses.map((part) => least(`${name} ${part}`));
    return [name, forward, towards - forward, all - towards, update, all + update];
  });
  const torch = (
    name: string,
    kindOf: string,
    updating: string,
  ): [string, ...(number | string)[]] => {
    const [forward, all] = ["forward", "gradients"].map((part) =>
      least(`PyTorch ${kindOf}${part}`),
    );
    const last = least(`PyTorch ${updating}`);
    return [name, forward, "", all - forward, last, all + last];
  };
  const others = peers
    ? [
        torch("PyTorch f32", "", "update"),
        torch("PyTorch f32, fused AdamW", "", "fused update"),
        torch("PyTorch autocast bf16, fused AdamW", "bf16 ", "fused update"),
      ]
    : [];
  const first = Number(own[0].at(-1));
  return {
    title: kind === "cpu" ? "Milliseconds of processor time, least" : "Milliseconds, least",
    head: [
      "",
      "forward",
      "input gradient",
      peers ? "weight gradient (PyTorch: both)" : "weight gradient",
      "clip + AdamW + EMA",
      "step",
      `/ ${made[0].name}`,
    ],
    rows: [...own, ...others].map((row) => [...row, Number(row.at(-1)) / first]),
  };
}

/** Loss and norm of the gradients. */
function facts({ parameters }: EmblemStep, gradients: Readonly<Record<string, Value>>): string {
  const squares = (v: Value) => (v.data as Float32Array).reduce((sum, x) => sum + x * x, 0);
  const square = parameters.reduce(
    (sum, { path }) => sum + squares(gradients[slotName("gradient", path)]),
    0,
  );
  return `${Number(gradients.loss.data[0]).toFixed(6)}, ${Math.sqrt(square).toFixed(6)}`;
}

/** Norm, clipping, optimiser and averages, by an engine, of gradients that lie where it wants them. */
async function updates(
  name: string,
  engine: Engine,
  gradients: Readonly<Record<string, Value>>,
): Promise<AsyncDisposable & { readonly contestant: Contestant }> {
  const { trained, updating } = step;
  const state = step.state();
  const updater = await Updater.open(engine, updating, { trained, state, threads });
  const own = trained.map(({ path }) => {
    const at = slotName("gradient", path);
    const memory = updater.gradients[at].data as Float32Array;
    memory.set(gradients[at].data as Float32Array);
    return memory;
  });
  return {
    contestant: { name, run: () => costOf(() => updater.step(state, own)) },
    [Symbol.asyncDispose]: () => updater[Symbol.asyncDispose](),
  };
}

const step = await emblemStep(batch);
const made = await settings();
const running = [];
const notes: string[] = [];
for (const setting of made)
  for (const part of losses) {
    console.error(`compiling ${setting.name} ${part}`);
    const name = `${setting.name} ${part}`;
    const one = await contestant(name, step.graphs[part], setting, step.inputs);
    running.push(one);
    if (part !== "gradients") continue;
    await one.program.run(step.inputs, { into: one.into });
    notes.push(`Loss and norm of the gradients, ${setting.name}: ${facts(step, one.into)}.`);
  }
const gradients = running[losses.length - 1].into;
await using looping = await updates("update", elementwiseEngine(made[0].engine), gradients);
await using plain = await updates("update op by op", made[0].engine, gradients);
const peer = peers
  ? await openPeer(peers, "train_step.py", [await peerFolder(), words.batch, words.threads])
  : null;
const check = await peer?.ask({ do: "check" });
if (check) notes.push(`PyTorch: ${check.loss.toFixed(6)}, ${check.norm.toFixed(6)}.`);
const costs = await takeTurns(
  [...[...running, looping, plain].map((one) => one.contestant), ...(peer ? theirs(peer) : [])],
  rounds,
);
await peer?.[Symbol.asyncDispose]();
for (const { program } of running) await program[Symbol.asyncDispose]();
const total = step.parameters.reduce((sum, { size }) => sum + size, 0) / 1e6;
const what = `The emblem's UNet, ${total.toFixed(1)} M parameters, batch ${batch}, ${threads} threads, ${rounds} rounds by turns.`;
const median = (name: string) =>
  spread((costs.get(name) ?? []).map(({ wall }) => wall)).median.toFixed(1);
const updating = `The update in loops ${median("update")} ms, op by op in ONNX Runtime ${median("update op by op")} ms (medians).`;
await writeReport(`train-step-${threads}`, {
  notes: [what, updating, ...notes],
  tables: [tableOf(costs, "cpu", made), tableOf(costs, "wall", made)],
});
