/**
 * @file A training step of the emblem's UNet, batch 16, split into forward, backward and update; PyTorch f32 beside.
 * Run: LIMN_PEERS=python npx jiti bench/train-step.ts [--threads 1] [--batch 16] [--rounds 8]
 */
import { join } from "node:path";
import { parseArgs } from "node:util";
import { ortEngine, value, type Program, type Value } from "../src/runtime/index.ts";
import type { Graph } from "../src/tensor/index.ts";
import { slotName } from "../src/training/update.ts";
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

/** Memory that a program's outputs are written into, as the trainer does. */
const memoryFor = (graph: Graph) =>
  Object.fromEntries(
    [...graph.outputs].map(([name, { shape, size }]) => [
      name,
      value(new Float32Array(size), shape),
    ]),
  );

function ours(
  { graphs, inputs, state }: EmblemStep,
  programs: Readonly<Record<keyof EmblemStep["graphs"], Program>>,
  gradients: Record<string, Value>,
): Contestant[] {
  const feeds = { forward: inputs, gradients: inputs, update: { ...state, ...gradients } };
  return (["forward", "gradients", "update"] as const).map((part) => {
    const into = memoryFor(graphs[part]);
    const run = () => costOf(() => programs[part].run(feeds[part], { into }));
    return { name: `limn ${part}`, run };
  });
}

const theirs = (peer: Peer) =>
  ["forward", "gradients", "update", "fused update"].map((part) =>
    peerContestant(`PyTorch ${part}`, peer, { do: part }),
  );

async function peerFolder(): Promise<string> {
  const folder = join(benchFolder, "train-step");
  await writeTrainFolder(folder, batch);
  return folder;
}

function tableOf(costs: ReadonlyMap<string, readonly Cost[]>, kind: keyof Cost): Table {
  const least = (name: string) => spread((costs.get(name) ?? []).map((c) => c[kind])).least;
  const split = (who: string, updating: string) => {
    const parts = ["forward", "gradients", updating].map((part) => least(`${who} ${part}`));
    const [forward, both, last] = parts;
    return [forward, both - forward, last, both + last];
  };
  const own = split("limn", "update");
  const others = peers
    ? {
        "PyTorch f32": split("PyTorch", "update"),
        "PyTorch f32, fused AdamW": split("PyTorch", "fused update"),
      }
    : {};
  return {
    title: kind === "cpu" ? "Milliseconds of processor time, least" : "Milliseconds, least",
    head: ["", "forward", "backward", "clip + AdamW + EMA", "step"],
    rows: [
      ["limn", ...own],
      ...Object.entries(others).flatMap(([name, parts]) => [
        [name, ...parts],
        [`limn / ${name}`, ...own.map((x, i) => x / parts[i])],
      ]),
    ],
  };
}

const step = await emblemStep(batch);
const engine = await ortEngine();
const compile = (graph: Graph) =>
  engine.compile(graph, { bind: () => ({ kind: "input" }), threads });
const programs = {
  forward: await compile(step.graphs.forward),
  gradients: await compile(step.graphs.gradients),
  update: await compile(step.graphs.update),
};
const gradients = await programs.gradients.run(step.inputs);
const peer = peers
  ? await openPeer(peers, "train_step.py", [await peerFolder(), words.batch, words.threads])
  : null;
const check = await peer?.ask({ do: "check" });
const costs = await takeTurns(
  [...ours(step, programs, gradients), ...(peer ? theirs(peer) : [])],
  rounds,
);
await peer?.[Symbol.asyncDispose]();
for (const program of Object.values(programs)) await program[Symbol.asyncDispose]();
const squares = (v: Value) => (v.data as Float32Array).reduce((sum, x) => sum + x * x, 0);
const square = step.parameters.reduce(
  (sum, { path }) => sum + squares(gradients[slotName("gradient", path)]),
  0,
);
const facts = [Number(gradients.loss.data[0]), Math.sqrt(square)].map((x) => x.toFixed(6));
const total = step.parameters.reduce((sum, { size }) => sum + size, 0) / 1e6;
await writeReport(`train-step-${threads}`, {
  notes: [
    `The emblem's UNet, ${total.toFixed(1)} M parameters, batch ${batch}, ${threads} threads, ${rounds} rounds by turns.`,
    `Loss ${facts[0]}, norm of the gradients ${facts[1]}${check ? `; PyTorch ${check.loss.toFixed(6)}, ${check.norm.toFixed(6)}` : ""}.`,
  ],
  tables: [tableOf(costs, "cpu"), tableOf(costs, "wall")],
});
