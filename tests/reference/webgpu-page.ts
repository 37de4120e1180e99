/** @file Runs in a page: computes golden cases with onnxruntime-web's WebGPU and compares them there. */
import { noStore, RemoteFiles, type StoredTensor } from "../../src/formats/browser.ts";
import { value, webEngine, type Value } from "../../src/runtime/browser.ts";
import { graphOf, type Values } from "../../src/tensor/index.ts";
import {
  checkOpCase,
  type Evaluate,
  type OpCase,
  type OpNumbers,
  type Tolerance,
} from "./op-case.ts";

const base = new URL("/", (globalThis as unknown as { location: { href: string } }).location.href)
  .href;
const arrays = {
  f32: Float32Array,
  f16: Uint16Array,
  bf16: Uint16Array,
  i64: BigInt64Array,
  bool: Uint8Array,
};

async function open() {
  const files = new RemoteFiles({ store: noStore });
  const { cases, tolerance } = JSON.parse((await files.text(`${base}ops.json`)) ?? "") as {
    cases: readonly OpCase[];
    tolerance: Tolerance;
  };
  const { tensors } = await files.openSafetensors(`${base}ops.safetensors`);
  const engine = await webEngine({
    device: "webgpu",
    files: { wasm: `${base}ort-wasm-simd-threaded.asyncify.wasm` },
  });
  const evaluate: Evaluate = async (outputs, inputs) => {
    const bind = () => ({ kind: "input" }) as const;
    await using program = await engine.compile(graphOf(outputs), { bind });
    return await program.run(inputs);
  };
  const read = async ({ dtype, shape, file, offset, length }: StoredTensor): Promise<Value> => {
    const bytes = await files.read(file, offset, length);
    const array = arrays[dtype as keyof typeof arrays] as new (buffer: ArrayBuffer) => Values; // all that the goldens use
    return value(new array(bytes.buffer), shape, dtype);
  };
  const readAll = async (names: Readonly<Record<string, string>>) => {
    const pairs = Object.entries(names).map(async ([key, name]) => {
      const tensor = tensors.get(name);
      if (!tensor) throw new Error(`no golden tensor ${name}`);
      return [key, await read(tensor)] as const;
    });
    return Object.fromEntries(await Promise.all(pairs));
  };
  const numbersOf = async (one: OpCase): Promise<OpNumbers> => ({
    inputs: await readAll(one.inputs),
    outputs: await readAll(one.outputs),
    upstream: await readAll(one.upstream),
    grads: await readAll(one.grads),
  });
  return { cases, tolerance, evaluate, numbersOf };
}

let opened: ReturnType<typeof open> | null = null;

/** Computes and compares one case; returns how many tensors were compared, or what differs. */
async function runOpCase(name: string): Promise<number | string> {
  try {
    const { cases, tolerance, evaluate, numbersOf } = await (opened ??= open());
    const one = cases.find((each) => each.name === name);
    if (!one) throw new Error(`no case ${name}`);
    return await checkOpCase(one, await numbersOf(one), { evaluate, tolerance });
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

Object.assign(globalThis, { runOpCase });
