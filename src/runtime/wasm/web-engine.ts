/** @file The wasm engine in a page, or rather in a worker of it: computing blocks the thread that asks for it. */
import type * as Ort from "onnxruntime-web";
import { EngineError } from "../../base/index.ts";
import type { Engine } from "../engine.ts";
import { defaultThreads, wasmEngineOn, type WasmDevice } from "./engine.ts";
import type { ReadRegion } from "./weight-pack.ts";

/** How graphs are computed in a browser. All of it has a default. */
export interface WebEngineOptions {
  /** `wasm` when left out. WebGPU is for graphics cards: where the adapter is software it is far slower. */
  readonly device?: WasmDevice;
  /**
   * As `defaultThreads` when left out; 1 where the page is not cross-origin isolated. The first engine of a worker
   * decides.
   */
  readonly threads?: number;
  /** URLs of onnxruntime-web's own `.wasm` and `.mjs`, for bundlers that do not bring them along. */
  readonly files?: { readonly wasm?: string; readonly mjs?: string };
  /** How weights are reached; by default `file` is a URL and each region a request for a range of it. */
  readonly read?: ReadRegion;
}

/** What is used of a browser's globals. */
interface Surroundings {
  readonly crossOriginIsolated?: boolean;
  readonly navigator?: {
    readonly hardwareConcurrency?: number;
    readonly gpu?: { requestAdapter(): Promise<object | null> };
  };
}

/** ONNX Runtime for browsers. Rejects with EngineError where the device is not to be had. */
export async function webEngine(options: WebEngineOptions = {}): Promise<Engine> {
  const { device = "wasm", threads, files, read = fetchRegion } = options;
  const { crossOriginIsolated, navigator } = globalThis as Surroundings;
  if (device === "webgpu" && !(await navigator?.gpu?.requestAdapter()))
    throw new EngineError("this browser gives no WebGPU adapter", {
      hint: 'take the device "wasm", or another browser',
    });
  const ort = await variant(device);
  const processors = navigator?.hardwareConcurrency ?? 1;
  // Threads share memory, which browsers allow to cross-origin isolated pages only.
  ort.env.wasm.numThreads =
    crossOriginIsolated === true ? (threads ?? defaultThreads(processors)) : 1;
  if (files) ort.env.wasm.wasmPaths = files;
  return wasmEngineOn({ ort, device, read });
}

/** One of them is fetched by a page that needs one: 14 MB of WebAssembly without WebGPU, 27 with it. */
const variant = (device: WasmDevice): Promise<typeof Ort> =>
  device === "wasm" ? import("onnxruntime-web/wasm") : import("onnxruntime-web/webgpu");

const fetchRegion: ReadRegion = async (file, offset, length) => {
  const range = `bytes=${offset}-${offset + length - 1}`;
  const response = await fetch(file, { headers: { range } });
  if (!response.ok)
    throw new EngineError(`${file} could not be fetched: the server answered ${response.status}`);
  const bytes = new Uint8Array(await response.arrayBuffer());
  const part = response.status === 206 ? bytes : bytes.subarray(offset, offset + length);
  if (part.length === length) return part;
  throw new EngineError(`${file}: ${length} bytes were asked for, ${part.length} came`);
};
