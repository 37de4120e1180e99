/**
 * @file Is the C API through koffi robust? Errors, termination, shared memory, worker threads, the package's own
 * binding beside it, leaks. Run: npx jiti bench/spikes/ort-c-api-check.ts
 */
import { fileURLToPath } from "node:url";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { isMainThread, parentPort, Worker, workerData } from "node:worker_threads";
import { encodeOnnxModel, type OnnxNode } from "../../src/formats/index.ts";
import { OrtApi, OrtTensor } from "./ort-c-api.ts";

const SIDE = 768;

/** `y = x @ x @ … @ x`, `depth` products of SIDE × SIDE. */
function powerModel(depth: number): Uint8Array {
  const matrix = (name: string) => ({ name, dtype: "f32", shape: [SIDE, SIDE] }) as const;
  const nodes: OnnxNode[] = Array.from({ length: depth }, (_, i) => ({
    op: "MatMul",
    inputs: [i ? `t${i}` : "x", "x"],
    outputs: [i === depth - 1 ? "y" : `t${i + 1}`],
  }));
  const [inputs, outputs] = [[matrix("x")], [matrix("y")]];
  return encodeOnnxModel({ opsets: { "": 17 }, nodes, initializers: [], inputs, outputs });
}

/** A matrix that swaps neighbours: its even powers (odd depths above) are the unit matrix. */
function fillSwap(x: Float32Array): Float32Array {
  x.fill(0);
  for (let i = 0; i < SIDE; i++) x[i * SIDE + (i ^ 1)] = 1;
  return x;
}

const isUnit = (y: Float32Array): boolean =>
  y.every((value, i) => value === (Math.floor(i / SIDE) === i % SIDE ? 1 : 0));

function prepare(api: OrtApi, depth: number, shared = false) {
  const make = (): Float32Array =>
    shared
      ? new Float32Array(new SharedArrayBuffer(SIDE * SIDE * 4))
      : new Float32Array(SIDE * SIDE);
  const [x, y] = [fillSwap(make()), make()];
  const tensor = (name: string, data: Float32Array) =>
    new OrtTensor(api, { name, dtype: "f32", shape: [SIDE, SIDE] }, data);
  const [from, to] = [tensor("x", x), tensor("y", y)];
  const session = api.session(powerModel(depth), { threads: 1 });
  const call = session.bind([from], [to]);
  const release = () => [call, session, from, to].forEach((owner) => owner[Symbol.dispose]());
  return { x, y, call, session, release };
}

async function fails(work: () => unknown): Promise<string> {
  try {
    await work();
  } catch (error) {
    return (error as Error).message.slice(0, 110);
  }
  throw new Error("should have failed");
}

function assert(holds: boolean, what: string): void {
  if (!holds) throw new Error(`wrong: ${what}`);
}

async function termination(api: OrtApi): Promise<string> {
  const { call, y, release } = prepare(api, 201);
  const start = performance.now();
  const running = fails(() => call.run());
  setTimeout(() => call.terminate(), 60);
  const message = await running;
  const took = performance.now() - start;
  call.resume();
  await call.run();
  assert(isUnit(y), "the run after a terminated one");
  const whole = performance.now() - start - took;
  release();
  return `stopped after ${took.toFixed(0)} of ${whole.toFixed(0)} ms ("${message.slice(0, 60)}"), then ran again`;
}

async function sharedMemory(api: OrtApi): Promise<string> {
  const { call, y, release } = prepare(api, 3, true);
  await call.run();
  assert(isUnit(y), "output in a SharedArrayBuffer");
  release();
  return "input and output in a SharedArrayBuffer";
}

async function concurrency(api: OrtApi): Promise<string> {
  const [a, b] = [prepare(api, 41), prepare(api, 41)];
  const time = async (work: () => Promise<unknown>) => {
    const start = performance.now();
    await work();
    return performance.now() - start;
  };
  const alone = await time(() => a.call.run());
  const both = await time(() => Promise.all([a.call.run(), b.call.run()]));
  assert(isUnit(a.y) && isUnit(b.y), "concurrent runs");
  [a, b].forEach(({ release }) => release());
  return `one run ${alone.toFixed(0)} ms, two at once ${both.toFixed(0)} ms (one thread each)`;
}

async function besideThePackage(api: OrtApi): Promise<string> {
  const ort = await import("onnxruntime-node");
  const session = await ort.InferenceSession.create(powerModel(3));
  const x = new ort.Tensor("float32", fillSwap(new Float32Array(SIDE * SIDE)), [SIDE, SIDE]);
  const { call, y, release } = prepare(api, 3);
  const [results] = await Promise.all([session.run({ x }), call.run()]);
  assert(isUnit(y) && isUnit(results.y.data as Float32Array), "both bindings in one process");
  await session.release();
  await call.run();
  release();
  return "both bindings in one process, sessions released in either order";
}

async function leaks(api: OrtApi): Promise<string> {
  const cycle = async () => {
    const { call, y, release } = prepare(api, 3);
    await call.run();
    assert(isUnit(y), "cycle");
    release();
  };
  for (let i = 0; i < 30; i++) await cycle();
  const before = process.memoryUsage().rss;
  for (let i = 0; i < 150; i++) await cycle();
  const grown = (process.memoryUsage().rss - before) / 1e6;
  return `150 × (session, tensors, run, release): resident memory ${grown >= 0 ? "+" : ""}${grown.toFixed(0)} MB`;
}

async function garbage(api: OrtApi): Promise<string> {
  const { call, y, release } = prepare(api, 41);
  collect();
  const running = call.run();
  collect();
  let kept = 0;
  for (let i = 0; i < 400; i++) kept += new Float32Array(1 << 18).fill(i)[7];
  await running;
  assert(isUnit(y) && kept > 0, "run during garbage collection");
  release();
  return "full collections before and during a run, and 400 MB of garbage";
}

/** A full garbage collection now. */
function collect(): void {
  setFlagsFromString("--expose-gc");
  (runInNewContext("gc") as () => void)();
}

async function errors(api: OrtApi): Promise<string> {
  const broken = await fails(() => api.session(new Uint8Array(64).fill(7)));
  const { session, x, release } = prepare(api, 1);
  const tensor = (name: string, shape: number[], data: Float32Array) =>
    new OrtTensor(api, { name, dtype: "f32", shape }, data);
  const wrong = session.bind([tensor("z", [SIDE, SIDE], x)], []);
  const name = await fails(() => wrong.run());
  const small = tensor("x", [2, 2], new Float32Array(4));
  const shape = await fails(() =>
    session.bind([small], [tensor("y", [SIDE, SIDE], new Float32Array(SIDE * SIDE))]).run(),
  );
  release();
  return [broken, name, shape].map((text) => `"${text}"`).join("\n    ");
}

async function inWorkers(): Promise<string> {
  const start = () =>
    new Promise<string>((resolve, reject) => {
      const source = `require("jiti").createJiti(process.cwd()).import(${JSON.stringify(fileURLToPath(import.meta.url))})`;
      const worker = new Worker(source, { eval: true, workerData: "run" });
      worker.once("message", resolve).once("error", reject);
      worker.once("exit", (code) => reject(new Error(`exit ${code}`)));
    });
  const answers = await Promise.all([start(), start(), start()]);
  return `three worker threads, each with its own table: ${answers.join(", ")}`;
}

/** The worst end: a worker thread ended inside a run. The run ends on its own thread; the process must live. */
async function killedWorker(api: OrtApi): Promise<string> {
  const source = `require("jiti").createJiti(process.cwd()).import(${JSON.stringify(fileURLToPath(import.meta.url))})`;
  const worker = new Worker(source, { eval: true, workerData: "long" });
  await new Promise((resolve) => worker.once("message", resolve));
  await new Promise((resolve) => setTimeout(resolve, 100));
  const code = await worker.terminate();
  const { call, y, release } = prepare(api, 3);
  await call.run();
  assert(isUnit(y), "run after a killed worker");
  release();
  return `worker.terminate() inside a run: exit ${code}, the process goes on`;
}

async function work(kind: string): Promise<void> {
  const api = new OrtApi();
  if (kind === "long") {
    const { call } = prepare(api, 301);
    const running = call.run();
    parentPort?.postMessage("started");
    await running;
    return;
  }
  const { call, y, release } = prepare(api, 21);
  for (let i = 0; i < 5; i++) await call.run();
  release();
  api[Symbol.dispose]();
  parentPort?.postMessage(isUnit(y) ? "right" : "wrong");
}

async function main(): Promise<void> {
  const api = new OrtApi();
  console.log(`ONNX Runtime ${api.version}, Node ${process.version}`);
  const checks = {
    errors,
    garbage,
    termination,
    sharedMemory,
    concurrency,
    leaks,
    besideThePackage,
  };
  for (const check of Object.values(checks)) console.log(`  ${await check(api)}`);
  console.log(`  ${await inWorkers()}`);
  console.log(`  ${await killedWorker(api)}`);
  api[Symbol.dispose]();
}

await (isMainThread ? main() : work(workerData as string));
