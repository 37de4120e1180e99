/**
 * @file What an AdamW + EMA update of 19 M parameters costs: in ONNX Runtime through onnxruntime-node, through the C API
 * with preallocated outputs, and in a plain loop. Run: npx jiti bench/spikes/update.ts [rounds]
 * Its peer: python bench/peers/update.py
 */
import ort from "onnxruntime-node";
import { OrtApi, OrtTensor, type OrtCall } from "./ort-c-api.ts";
import { factorNames, factorsAt, inputNames, outputNames } from "./update-graph.ts";
import { unetSizes, updateInPlace, updateModel, type Factors, type State } from "./update-graph.ts";

const THREADS = 2;
const sizes = unetSizes();
const total = sizes.reduce((a, b) => a + b, 0);
const offsets = sizes.map((_, i) => sizes.slice(0, i).reduce((a, b) => a + b, 0));

function freshState(make: (count: number) => Float32Array = (n) => new Float32Array(n)): State {
  const fill = (scale: number, shift: number): Float32Array => {
    const array = make(total);
    for (let i = 0; i < total; i++) array[i] = scale * (Math.sin(i * 0.37 + shift) + shift);
    return array;
  };
  return { p: fill(1, 0), g: fill(0.1, 0), m: fill(0.01, 0), v: fill(1e-4, 1.1), e: fill(1, 0) };
}

/** Two sets of buffers that change places at every step: a graph must not write what it still reads. */
interface Variant {
  readonly name: string;
  readonly step: (factors: Factors) => Promise<void> | void;
  readonly result: () => Float32Array;
}

function packageVariant(): Promise<Variant> {
  const state = freshState();
  const tensors: Record<string, ort.Tensor> = {};
  sizes.forEach((size, i) => {
    for (const name of inputNames) {
      const view = state[name].subarray(offsets[i], offsets[i] + size);
      tensors[name + i] = new ort.Tensor("float32", view, [size]);
    }
  });
  const options = { intraOpNumThreads: THREADS, logSeverityLevel: 3 } as const;
  return ort.InferenceSession.create(updateModel(sizes), options).then((session) => ({
    name: "onnxruntime-node, one graph of 250 tensors",
    step: async (factors) => {
      for (const name of factorNames)
        tensors[name] = new ort.Tensor("float32", [factors[name]], [1]);
      const results = await session.run(tensors);
      sizes.forEach((_, i) => {
        for (const name of outputNames) tensors[name + i] = results[`${name}'${i}`];
      });
    },
    result: () => tensors.p0.data as Float32Array,
  }));
}

/** The graph over `lengths` (whole tensors or equal chunks of the flat buffers), with preallocated outputs. */
function directVariant(api: OrtApi, name: string, parts: readonly number[][]): Variant {
  const [here, there] = [freshState(), freshState()];
  const factors = new Map(
    factorNames.map((n) => [
      n,
      new OrtTensor(api, { name: n, dtype: "f32", shape: [1] }, new Float32Array(1)),
    ]),
  );
  const sessions = new Map<string, ReturnType<OrtApi["session"]>>();
  let from = 0;
  const calls: OrtCall[][] = [[], []];
  for (const part of parts) {
    const key = part.join();
    const session = sessions.get(key) ?? api.session(updateModel(part), { threads: THREADS });
    sessions.set(key, session);
    for (const [way, [a, b]] of [[here, there] as const, [there, here] as const].entries()) {
      const [inputs, outputs] = [[...factors.values()], [] as OrtTensor[]];
      let at = from;
      for (const [i, size] of part.entries()) {
        const tensor = (label: string, data: Float32Array) =>
          new OrtTensor(
            api,
            { name: label, dtype: "f32", shape: [size] },
            data.subarray(at, at + size),
          );
        for (const n of inputNames) inputs.push(tensor(n + i, n === "g" ? here.g : a[n]));
        for (const n of outputNames) outputs.push(tensor(`${n}'${i}`, b[n]));
        at += size;
      }
      calls[way].push(session.bind(inputs, outputs));
    }
    from += part.reduce((x, y) => x + y, 0);
  }
  let turn = 0;
  return {
    name,
    step: async (next) => {
      for (const n of factorNames) factors.get(n)!.data[0] = next[n];
      for (const call of calls[turn]) await call.run();
      turn = 1 - turn;
    },
    result: () => (turn === 0 ? here : there).p.subarray(0, sizes[0]),
  };
}

function loopVariant(): Variant {
  const state = freshState();
  return {
    name: "plain loop, in place, one thread",
    step: (factors) => updateInPlace(state, factors, 0, total),
    result: () => state.p.subarray(0, sizes[0]),
  };
}

function chunks(size: number): number[][] {
  const whole = Math.floor(total / size);
  return [...Array<number[]>(whole).fill([size]), [total - whole * size]];
}

/** Longest time the event loop stood still while `work` ran. */
async function longestGap(work: () => Promise<void> | void): Promise<number> {
  let [last, gap] = [performance.now(), 0];
  const beat = () => {
    const now = performance.now();
    gap = Math.max(gap, now - last);
    last = now;
  };
  const timer = setInterval(beat, 1);
  await work();
  await new Promise((resolve) => setTimeout(resolve, 2));
  beat();
  clearInterval(timer);
  return gap;
}

const rounds = Number(process.argv[2] ?? 7);
const api = new OrtApi();
const variants = [
  await packageVariant(),
  directVariant(api, "C API, one graph of 250 tensors", [sizes]),
  directVariant(api, "C API, chunks of 128 Ki", chunks(1 << 17)),
  directVariant(api, "C API, chunks of 512 Ki", chunks(1 << 19)),
  directVariant(api, "C API, chunks of 32 Ki", chunks(1 << 15)),
  loopVariant(),
];
const times = variants.map(() => [] as number[]);
const gaps = variants.map(() => 0);
for (let round = 0; round <= rounds; round++) {
  const factors = factorsAt(round + 1);
  for (const [i, { step }] of variants.entries()) {
    const start = performance.now();
    const gap = await longestGap(() => step(factors));
    // The timer of longestGap adds about 2 ms to the end.
    if (round > 0) times[i].push(performance.now() - start - 2);
    gaps[i] = Math.max(gaps[i], gap);
  }
}
const want = variants.at(-1)!.result();
console.log(
  `ONNX Runtime ${api.version}, ${(total / 1e6).toFixed(1)} M parameters in ${sizes.length} tensors`,
);
for (const [i, { name, result }] of variants.entries()) {
  const sorted = times[i].toSorted((a, b) => a - b);
  const got = result();
  let worst = 0;
  for (let k = 0; k < want.length; k++) worst = Math.max(worst, Math.abs(got[k] - want[k]));
  const [best, middle] = [sorted[0], sorted[sorted.length >> 1]].map((t) =>
    t.toFixed(0).padStart(5),
  );
  console.log(
    `${name.padEnd(46)} ${best} ms (${middle})  loop blocked ${gaps[i].toFixed(0).padStart(4)} ms  difference ${worst.toExponential(1)}`,
  );
}
const rss = process.memoryUsage();
console.log(
  `resident ${(rss.rss / 1e6).toFixed(0)} MB, of it arrays ${(rss.arrayBuffers / 1e6).toFixed(0)} MB`,
);
