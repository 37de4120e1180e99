/**
 * @file limn as a contestant: a process that opens one work on one engine, then answers lines of JSON.
 * Run by the benchmark: node own-worker.js WORK.json ENGINE PRECISION THREADS
 */
import { createInterface } from "node:readline";
import { hostArray, signalToNoise } from "../../src/base/index.ts";
import { openSafetensors, readAsF32, writeSafetensors } from "../../src/formats/index.ts";
import { openVinoEngine, ortEngine, type Engine, type Precision } from "../../src/runtime/index.ts";
import { costOf } from "../contest.ts";
import { openNetwork, openPicture, type Run } from "./own-networks.ts";
import { readWork, type Work } from "./works.ts";

const [file, engineName, precision, threads] = process.argv.slice(2);

/** The engine, told the precision and the threads where a compilation leaves them open. */
async function engineOf(): Promise<Engine> {
  const engine = await (engineName === "openvino" ? openVinoEngine() : ortEngine());
  const own = { precision: precision as Precision, threads: Number(threads) };
  return { ...engine, compile: (graph, options) => engine.compile(graph, { ...own, ...options }) };
}

async function givenOf({ given }: Work): Promise<Record<string, Float32Array>> {
  const index = await openSafetensors(given);
  const read = async ([name, stored]: readonly [string, Parameters<typeof readAsF32>[0]]) =>
    [name, await readAsF32(stored)] as const;
  return Object.fromEntries(await Promise.all([...index.tensors].map(read)));
}

async function open(work: Work, engine: Engine): Promise<Run> {
  if (work.kind === "train")
    return (await import("./own-training.ts")).openTraining(work, engine, Number(threads));
  const given = await givenOf(work);
  return work.kind === "picture"
    ? openPicture(work, { engine, precision: precision as Precision }, given)
    : openNetwork(work, engine, given);
}

/** Signal to noise in decibels; equal ones count as 199. */
async function compare(work: Work, run: Run): Promise<Record<string, number>> {
  const { tensors } = await openSafetensors(work.expected);
  const [stored] = tensors.values();
  const [wanted, came] = [await readAsF32(stored), (await run())()];
  return { decibels: Math.min(199, signalToNoise(wanted, came)) };
}

async function write(work: Work, run: Run): Promise<Record<string, number>> {
  const data = (await run())();
  const { shape } = hostArray(data, [data.length]);
  await writeSafetensors(work.expected, [{ name: "out", dtype: "f32", shape, data }]);
  return { written: data.length };
}

async function main(): Promise<void> {
  const work = await readWork(file);
  let engine: Engine;
  try {
    engine = await engineOf();
  } catch (error) {
    console.log(JSON.stringify({ absent: error instanceof Error ? error.message : String(error) }));
    return;
  }
  if (!engine.precisions.includes(precision as Precision)) {
    console.log(JSON.stringify({ absent: `${engineName} has no ${precision} on this machine` }));
    return;
  }
  const run = await open(work, engine);
  console.log(JSON.stringify({ ready: 1, version: engine.version }));
  const answers = {
    run: async () => ({ ...(await costOf(run)) }),
    compare: () => compare(work, run),
    write: () => write(work, run),
  };
  for await (const line of createInterface({ input: process.stdin })) {
    const { do: wanted } = JSON.parse(line) as { do: keyof typeof answers };
    console.log(JSON.stringify(await answers[wanted]()));
  }
  // What lives in native memory goes with the process.
  process.exit(0);
}

await main();
