/** @file All that a training run must remember, in memory and as a checkpoint that survives a kill. */
import { mkdir, readdir, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { FormatError, sizeOf, WeightError } from "../../base/index.ts";
import {
  openSafetensors,
  readAsF32,
  writeSafetensors,
  type SafetensorsIndex,
} from "../../formats/index.ts";
import { isFiniteArray } from "../../runtime/index.ts";
import type { Parameter } from "../../tensor/index.ts";
import type { Marks } from "./fingerprint.node.ts";
import { initialValues } from "../initial.ts";
import type { Optimizer } from "../optimizers/rule.ts";
import type { Weights } from "../recipe.ts";
import { slotName } from "../optimizers/update.ts";

/** Numbers by `SLOT/PATH`, and how many optimiser steps made them. */
export interface State {
  step: number;
  /** Set while an update writes into it: if that fails, some of its numbers are of the next step. */
  torn?: boolean;
  readonly values: Map<string, Float32Array>;
}

/** What a state holds: how many numbers under each `SLOT/PATH`. */
export type Layout = ReadonlyMap<string, number>;

/** The layout of a training: every parameter's value; averages and optimiser slots of those that move. */
export function layoutOf(
  parameters: readonly Parameter[],
  { moving, rule, average }: { moving: ReadonlySet<string>; rule: Optimizer; average: boolean },
): Layout {
  const sizes = new Map<string, number>();
  for (const { path, shape, size } of parameters) {
    sizes.set(slotName("value", path), size);
    if (!moving.has(path)) continue;
    if (average) sizes.set(slotName("average", path), size);
    for (const [slot, its] of Object.entries(rule.slots(shape)))
      sizes.set(slotName(slot, path), sizeOf(its));
  }
  return sizes;
}

/** The state before the first step: `start` where it has a parameter, else the parameter's own first values. */
export function freshState(
  parameters: readonly Parameter[],
  layout: Layout,
  { seed, start }: { seed: number; start: Weights },
): State {
  const values = new Map([...layout].map(([name, size]) => [name, new Float32Array(size)]));
  for (const parameter of parameters) {
    const { path, size } = parameter;
    const given = start.get(path);
    if (given && given.length !== size)
      throw new WeightError(`${path} needs ${size} numbers to start from, got ${given.length}`);
    const first = given ?? initialValues(parameter, seed);
    values.get(slotName("value", path))?.set(first);
    values.get(slotName("average", path))?.set(first);
  }
  return { step: 0, values };
}

/** One kind of numbers of a state, by parameter path. */
export function slotOf(state: State, slot: string): Weights {
  const prefix = `${slot}/`;
  return new Map(
    [...state.values]
      .filter(([name]) => name.startsWith(prefix))
      .map(([name, data]) => [name.slice(prefix.length), data]),
  );
}

const pattern = /^checkpoint-(\d+)\.safetensors$/;

/** Steps of the checkpoints in a folder, oldest first. */
async function checkpoints(folder: string): Promise<number[]> {
  const names = await readdir(folder).catch(() => []);
  const steps = names.map((name) => pattern.exec(name)?.[1]).filter((s) => s !== undefined);
  return steps.map(Number).sort((a, b) => a - b);
}

const fileOf = (folder: string, step: number) => join(folder, `checkpoint-${step}.safetensors`);

/** Whether a state is of one step and every number of it finite: else it is no place to go on from. */
export function isSound(state: State): boolean {
  if (state.torn) return false;
  return [...state.values.values()].every(isFiniteArray);
}

const asTensor = ([name, data]: readonly [string, Float32Array]) => ({
  name,
  dtype: "f32" as const,
  shape: [data.length],
  data,
});

/** Writes the state, whole or not at all, then drops all but the newest two checkpoints. */
export async function saveCheckpoint(folder: string, state: State, marks: Marks): Promise<void> {
  await mkdir(folder, { recursive: true });
  const metadata = new Map([["step", String(state.step)], ...marks]);
  await writeSafetensors(fileOf(folder, state.step), [...state.values].map(asTensor), metadata);
  for (const step of (await checkpoints(folder)).slice(0, -2)) await rm(fileOf(folder, step));
}

/** A checkpoint whose directory is read, and its step. */
export interface OpenCheckpoint {
  readonly step: number;
  readonly file: string;
  readonly index: SafetensorsIndex;
}

/**
 * The newest checkpoint that can be read, null where there is none, and the newer ones that cannot. Throws FormatError
 * where there are checkpoints and none can be read.
 */
export async function newestCheckpoint(
  folder: string,
): Promise<{ found: OpenCheckpoint | null; unreadable: readonly string[] }> {
  const unreadable: string[] = [];
  let cause: unknown;
  for (const step of (await checkpoints(folder)).reverse()) {
    const file = fileOf(folder, step);
    try {
      const index = await openSafetensors(file);
      if (index.metadata.get("step") === String(step))
        return { found: { step, file, index }, unreadable };
    } catch (error) {
      cause = error;
    }
    unreadable.push(file);
  }
  if (unreadable.length === 0) return { found: null, unreadable };
  throw new FormatError(`no checkpoint in ${folder} can be read`, {
    hint: "remove them to start anew",
    cause,
  });
}

/** The state in a checkpoint. Throws when it is not of this network. */
export async function readState(
  { step, file, index: { tensors } }: OpenCheckpoint,
  layout: Layout,
): Promise<State> {
  const values = new Map<string, Float32Array>();
  for (const [name, length] of layout) {
    const stored = tensors.get(name);
    if (stored?.length !== length * 4)
      throw new WeightError(`${file} was made by another recipe: ${name} does not fit`, {
        hint: "give another run folder, or remove this one to start anew",
      });
    values.set(name, await readAsF32(stored));
  }
  return { step, values };
}

/** Where a finished stage leaves its averaged weights. */
export const finishedFile = (folder: string) => join(folder, "averaged.safetensors");

/** Writes averaged weights of a finished stage. */
export async function saveWeights(file: string, weights: Weights, marks: Marks): Promise<void> {
  await writeSafetensors(file, [...weights].map(asTensor), marks);
}

/** Reads what `saveWeights` wrote. */
export async function loadWeights(file: string): Promise<Weights> {
  const { tensors } = await openSafetensors(file);
  const weights = new Map<string, Float32Array>();
  for (const [name, stored] of tensors) weights.set(name, await readAsF32(stored));
  return weights;
}

/** What the averaged weights of a stage say of themselves; null where it has not left them yet. */
export async function openFinished(folder: string): Promise<ReadonlyMap<string, string> | null> {
  const file = finishedFile(folder);
  const found = await stat(file).catch(() => null);
  return found && (await openSafetensors(file)).metadata;
}
