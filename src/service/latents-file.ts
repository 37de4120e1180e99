/** @file Files of latents: start noise to begin from, and every step of a run to look at. */
import { hostArray, quote, RequestError, sizeOf, type HostArray } from "../base/index.ts";
import {
  openSafetensors,
  readAsF32,
  writeSafetensors,
  type SafetensorsIndex,
} from "../formats/index.ts";
import { checkNoiseShape } from "../pipelines/index.ts";
import type { SentTensor } from "./protocol.ts";

/** Where a file says what its `initial` was multiplied by. */
const sigmaKey = "init_noise_sigma";
/** Numbers of one picture's noise: no model comes near, and a file may say anything. */
const maxNumbers = 2 ** 24;

/**
 * The start noise in a file: its only tensor, or the one called `noise` or `latents`, or `initial` as limn saved it,
 * divided by what it was scaled with. Nothing is read before its shape is that of noise for so many pictures.
 */
export async function readStartNoise(path: string, pictures: number): Promise<HostArray> {
  const index = await openSafetensors(path);
  const name = noiseName(index);
  const stored = name === null ? undefined : index.tensors.get(name);
  if (!stored)
    throw new RequestError("latents", `${path} holds no tensor called noise, latents or initial`, {
      hint: `it holds ${[...index.tensors.keys()].slice(0, 5).join(", ")}`,
    });
  checkSize(stored.shape, pictures);
  const sigma = name === "initial" ? scaleOf(index, path) : 1;
  const noise = await readAsF32(stored);
  return hostArray(sigma === 1 ? noise : noise.map((x) => x / sigma), stored.shape);
}

function checkSize(shape: readonly number[], pictures: number): void {
  checkNoiseShape(shape);
  if (shape[0] !== pictures)
    throw new RequestError(
      "latents",
      `holds noise for ${shape[0]} pictures, but ${pictures} are to be drawn`,
    );
  if (sizeOf(shape.slice(1)) > maxNumbers)
    throw new RequestError(
      "latents",
      `must hold no more than ${maxNumbers} numbers a picture, got [${shape.join(",")}]`,
    );
}

/** What `initial` was multiplied by; 1 in a file that does not say. */
function scaleOf({ metadata }: SafetensorsIndex, path: string): number {
  const text = metadata.get(sigmaKey);
  if (text === undefined) return 1;
  const sigma = text.trim() === "" ? NaN : Number(text);
  if (Number.isFinite(sigma) && sigma > 0) return sigma;
  throw new RequestError(
    "latents",
    `${path}: its ${sigmaKey} must be a number above 0, got ${quote(text)}`,
    { hint: `save the latents again, or leave out ${sigmaKey} where they are not scaled` },
  );
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
