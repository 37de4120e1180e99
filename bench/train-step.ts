/**
 * @file A training step of the emblem's UNet, batch 16, split into forward, backward and update; PyTorch f32 beside.
 * Run: LIMN_PEERS=python npx jiti bench/train-step.ts [--threads 1] [--batch 16] [--rounds 8]
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { grad } from "../src/autodiff/index.ts";
import { keyedRandom } from "../src/base/index.ts";
import { describeNetwork, saveFolder } from "../src/checkpoints/index.ts";
import { UNet2DConditionModel } from "../src/models/index.ts";
import { parametersOf } from "../src/nn/index.ts";
import { ortEngine, value, type Program, type Value } from "../src/runtime/index.ts";
import { graphOf, input, type Graph, type Parameter } from "../src/tensor/index.ts";
import { initialValues, optimizer } from "../src/training/index.ts";
import { slotName, updateGraph } from "../src/training/update.ts";
import { costOf, openPeer, peerContestant, peers, spread, takeTurns } from "./contest.ts";
import type { Contestant } from "./contest.ts";
import { emblemNetworks } from "./emblem.ts";
import { benchFolder, pndm } from "./random-model.ts";
import { writeReport } from "./report.ts";

const { values: words } = parseArgs({
  options: {
    threads: { type: "string", default: "1" },
    batch: { type: "string", default: "16" },
    rounds: { type: "string", default: "8" },
  },
});
const [threads, batch, rounds] = [words.threads, words.batch, words.rounds].map(Number);
const adamw = optimizer({ kind: "adamw", betas: [0.9, 0.99], eps: 1e-8, weightDecay: 0.01 });

const { unet } = await emblemNetworks();
if (!(unet instanceof UNet2DConditionModel)) throw new Error("the emblem has another UNet");
const { inChannels, sampleSize, contextWidth } = sizesOf(unet);
const latent = [batch, inChannels, ...sampleSize];
const parameters = parametersOf(unet).filter(({ trains }) => trains);

function sizesOf({ config }: UNet2DConditionModel) {
  const { cross_attention_dim: contextWidth } = describeNetwork(unet).config;
  return {
    inChannels: config.inChannels,
    sampleSize: config.sampleSize ?? [16, 16],
    contextWidth: Number(contextWidth),
  };
}

/** The numbers that limn and its peers start from. */
function givenValues(): Record<string, Value> {
  const random = keyedRandom(0, 0, 0);
  const normal = (shape: number[]) => value(random.normal(shape).data, shape);
  return {
    noisy: normal(latent),
    clean: normal(latent),
    timestep: value(Array<number>(batch).fill(500), [batch]),
    context: normal([batch, 24, contextWidth]),
  };
}

/** The loss alone, and the loss with all gradients. */
function lossGraphs(network: UNet2DConditionModel, given: Record<string, Value>): Graph[] {
  const of = (name: string) => input(name, given[name].shape);
  const missed = network.call(of("noisy"), of("timestep"), of("context")).sub(of("clean"));
  const loss = missed.mul(missed).mean();
  const gradients = grad(loss, parameters);
  const named = parameters.map(
    ({ path }, i) => [slotName("gradient", path), gradients[i]] as const,
  );
  return [graphOf({ loss }), graphOf({ loss, ...Object.fromEntries(named) })];
}

/** What the update reads beside the gradients. */
function stateValues(): Record<string, Value> {
  const state: Record<string, Value> = { rate: value([1e-5], []), keep: value([0.9], []) };
  for (const [name, number] of Object.entries(adamw.scalars(5))) state[name] = value([number], []);
  for (const p of parameters) {
    for (const slot of ["value", "average"]) state[slotName(slot, p.path)] = first(p);
    for (const [slot, shape] of Object.entries(adamw.slots(p.shape)))
      state[slotName(slot, p.path)] = value(new Float32Array(p.size), shape);
  }
  return state;
}

const first = (parameter: Parameter) => value(initialValues(parameter, 0), parameter.shape);

/** Memory that a program's outputs are written into, as the trainer does. */
const memoryFor = (graph: Graph) =>
  Object.fromEntries(
    [...graph.outputs].map(([name, { shape, size }]) => [
      name,
      value(new Float32Array(size), shape),
    ]),
  );

const given = givenValues();
const engine = await ortEngine();
const compile = (graph: Graph) =>
  engine.compile(graph, { bind: () => ({ kind: "input" }), threads });
const [forwardGraph, gradientGraph] = lossGraphs(unet, given);
const trained = parameters.map(({ path, shape }) => ({ path, shape, rate: 1 }));
const update = updateGraph(trained, adamw, { clip: 1, average: true });
const programs = {
  forward: await compile(forwardGraph),
  gradients: await compile(gradientGraph),
  update: await compile(update),
};
const weights = Object.fromEntries(parameters.map((p) => [p.path, first(p)]));
const inputs = { ...given, ...weights };
const gradients = await programs.gradients.run(inputs);
const state = { ...stateValues(), ...gradients };

/** One kind of work, by limn and by the peers. */
function works(peer: Awaited<ReturnType<typeof openPeer>> | null): Contestant[] {
  const run = (name: string, program: Program, feeds: Record<string, Value>, graph: Graph) => {
    const into = memoryFor(graph);
    return { name: `limn ${name}`, run: () => costOf(() => program.run(feeds, { into })) };
  };
  const ours = [
    run("forward", programs.forward, inputs, forwardGraph),
    run("gradients", programs.gradients, inputs, gradientGraph),
    run("update", programs.update, state, update),
  ];
  const theirs = peer
    ? ["forward", "gradients", "update", "fused update"].map((part) =>
        peerContestant(`PyTorch ${part}`, peer, { do: part }),
      )
    : [];
  return [...ours, ...theirs];
}

/** A folder with the same weights, inputs and gradients for PyTorch. */
async function writePeerFolder(): Promise<string> {
  const folder = join(benchFolder, "train-step");
  mkdirSync(folder, { recursive: true });
  const networks = { unet: unet };
  const values = (p: Parameter) => initialValues(p, 0);
  const pipeline = "StableDiffusionPipeline";
  await saveFolder(folder, { pipeline, networks, values, dtype: "f32", scheduler: pndm });
  for (const [name, { data }] of Object.entries(given)) {
    const bytes = data as Float32Array;
    writeFileSync(join(folder, `${name}.f32`), new Uint8Array(bytes.buffer, 0, bytes.byteLength));
  }
  return folder;
}

function tableOf(costs: Awaited<ReturnType<typeof takeTurns>>, kind: "wall" | "cpu") {
  const least = (name: string) => {
    const list = costs.get(name);
    return list ? spread(list.map((cost) => cost[kind])).least : NaN;
  };
  const split = (who: string, updating: string) => {
    const [forward, both, last] = ["forward", "gradients", updating].map((part) =>
      least(`${who} ${part}`),
    );
    return [forward, both - forward, last, both + last];
  };
  const [ours, theirs] = [split("limn", "update"), split("PyTorch", "update")];
  const fused = split("PyTorch", "fused update");
  const ratio = ours.map((x, i) => x / theirs[i]);
  return {
    title: kind === "cpu" ? "Milliseconds of processor time, least" : "Milliseconds, least",
    head: ["", "forward", "backward", "clip + AdamW + EMA", "step"],
    rows: [
      ["limn", ...ours],
      ["PyTorch f32", ...theirs],
      ["PyTorch f32, fused AdamW", ...fused],
      ["limn / PyTorch", ...ratio],
      ["limn / PyTorch fused", ...ours.map((x, i) => x / fused[i])],
    ],
  };
}

const peer = peers
  ? await openPeer(peers, "train_step.py", [await writePeerFolder(), words.batch, words.threads])
  : null;
const check = await peer?.ask({ do: "check" });
const costs = await takeTurns(works(peer), rounds);
await peer?.[Symbol.asyncDispose]();
const loss = Number(gradients.loss.data[0]);
const squares = (v: Value) => (v.data as Float32Array).reduce((sum, x) => sum + x * x, 0);
const norm = Math.sqrt(
  parameters.reduce((sum, { path }) => sum + squares(gradients[slotName("gradient", path)]), 0),
);
const total = parameters.reduce((sum, { size }) => sum + size, 0) / 1e6;
await writeReport(`train-step-${threads}`, {
  notes: [
    `The emblem's UNet, ${total.toFixed(1)} M parameters, batch ${batch}, ${threads} threads, ${rounds} rounds by turns.`,
    `Loss ${loss.toFixed(6)}, norm of the gradients ${norm.toFixed(6)}${check ? `; PyTorch ${check.loss.toFixed(6)}, ${check.norm.toFixed(6)}` : ""}.`,
  ],
  tables: [tableOf(costs, "cpu"), tableOf(costs, "wall")],
});
for (const program of Object.values(programs)) await program[Symbol.asyncDispose]();
