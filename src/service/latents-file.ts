/** @file Files of latents: start noise to begin from, and every step of a run to look at. */
import { hostArray, RequestError, type HostArray } from "../base/index.ts";
import {
  openSafetensors,
  readAsF32,
  writeSafetensors,
  type SafetensorsIndex,
} from "../formats/index.ts";
import type { SentTensor } from "./protocol.ts";

/** Where a file says what its `initial` was multiplied by. */
const sigmaKey = "init_noise_sigma";

/**
 * The start noise in a file: its only tensor, or the one called `noise` or `latents`, or `initial` as limn saved it,
 * divided by what it was scaled with.
 */
export async function readStartNoise(path: string): Promise<HostArray> {
  const index = await openSafetensors(path);
  const name = noiseName(index);
  const stored = name === null ? undefined : index.tensors.get(name);
  if (!stored)
    throw new RequestError("latents", `${path} holds no tensor called noise, latents or initial`, {
      hint: `it holds ${[...index.tensors.keys()].slice(0, 5).join(", ")}`,
    });
  const noise = await readAsF32(stored);
  const sigma = name === "initial" ? Number(index.metadata.get(sigmaKey) ?? 1) : 1;
  return hostArray(sigma === 1 ? noise : noise.map((x) => x / sigma), stored.shape);
}

function noiseName({ tensors }: SafetensorsIndex): string | null {
  const names = [...tensors.keys()];
  if (names.length === 1) return names[0];
  return ["noise", "latents", "initial"].find((name) => tensors.has(name)) ?? null;
}

/** Writes the tensors of a run: `initial`, `step_000`, … and `final`. */
export async function writeLatents(
  path: string,
  tensors: readonly SentTensor[],
  initNoiseSigma: number,
): Promise<void> {
  const stored = tensors.map((tensor) => ({ ...tensor, dtype: "f32" as const }));
  await writeSafetensors(path, stored, new Map([[sigmaKey, String(initNoiseSigma)]]));
}

/** Collects the latents of batch after batch into tensors of all pictures. */
export class LatentsRecord {
  readonly #parts = new Map<string, HostArray[]>();

  add(name: string, x: HostArray): void {
    this.#parts.set(name, [...(this.#parts.get(name) ?? []), x]);
  }

  /** Every name once, batches under each other. */
  tensors(): SentTensor[] {
    return [...this.#parts].map(([name, parts]) => {
      const rows = parts.reduce((sum, { shape }) => sum + shape[0], 0);
      const data = new Float32Array(parts.reduce((sum, part) => sum + part.data.length, 0));
      let at = 0;
      for (const part of parts) {
        data.set(part.data, at);
        at += part.data.length;
      }
      return { name, shape: [rows, ...parts[0].shape.slice(1)], data };
    });
  }
}
