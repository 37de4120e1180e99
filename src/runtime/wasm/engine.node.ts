/** @file The wasm engine in Node.js, for machines that ONNX Runtime has no native library for. */
import { open } from "node:fs/promises";
import { availableParallelism } from "node:os";
import { EngineError } from "../../base/index.ts";
import type { Engine } from "../engine.ts";
import { defaultThreads, wasmEngineOn } from "./engine.ts";
import type { ReadRegion } from "./weight-pack.ts";

const readFileRegion: ReadRegion = async (file, offset, length) => {
  const handle = await open(file);
  try {
    const bytes = new Uint8Array(length);
    for (let at = 0; at < length;) {
      const { bytesRead } = await handle.read(bytes, at, length - at, offset + at);
      if (bytesRead === 0) throw new EngineError(`${file} was cut short while it was read`);
      at += bytesRead;
    }
    return bytes;
  } finally {
    await handle.close();
  }
};

export interface WasmEngineOptions {
  /** As `defaultThreads` when left out. The first program of a thread decides. */
  readonly threads?: number;
  /** How weights are reached; by default they are in files. */
  readonly read?: ReadRegion;
}

/**
 * ONNX Runtime in WebAssembly: f32 on the CPU, in the calling thread, which is blocked while it computes. Rejects with
 * EngineError where the package is missing.
 */
export async function wasmEngine(options: WasmEngineOptions = {}): Promise<Engine> {
  const { threads = defaultThreads(availableParallelism()), read = readFileRegion } = options;
  const ort = await import("onnxruntime-web").catch((cause: unknown) => {
    throw new EngineError("the package onnxruntime-web is not installed", {
      hint: "npm install onnxruntime-web",
      cause,
    });
  });
  ort.env.wasm.numThreads = threads;
  return wasmEngineOn({ ort, device: "wasm", read });
}
