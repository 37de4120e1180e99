/** @file Strict matching of a network's parameters with the tensors of a file. */
import { listed, shown, WeightError, type DType } from "../base/index.ts";
import type { StoredTensor } from "../formats/index.ts";
import { parametersOf, type Module } from "../nn/index.ts";
import type { NameTable } from "./names/pattern.ts";

/** Where each parameter's numbers lie, by parameter path. */
export type Weights = ReadonlyMap<string, StoredTensor>;

/** Tensors that old files carry and no network needs, with the reason. */
const harmlessTensors: readonly RegExp[] = [
  /(^|\.)position_ids$/, // 0, 1, 2, … as a buffer, in transformers before 4.31
];

const floats: ReadonlySet<DType> = new Set(["f64", "f32", "f16", "bf16"]);

/** Finds every parameter of a placed module among `tensors`; throws a WeightError that counts and names what does not fit. */
export function matchWeights(
  module: Module,
  tensors: ReadonlyMap<string, StoredTensor>,
  { what, names }: { what: string; names?: NameTable },
): Weights {
  const byKey = new Map<string, StoredTensor>();
  const unexpected: string[] = [];
  const wanted = new Map(parametersOf(module).map((p) => [keyOf(module, p.path), p]));
  for (const [name, tensor] of tensors) {
    const key = wanted.has(name) ? name : (names?.toOwn(name) ?? name);
    if (wanted.has(key) && !byKey.has(key)) byKey.set(key, tensor);
    else if (!harmlessTensors.some((pattern) => pattern.test(name))) unexpected.push(name);
  }
  const missing = [...wanted.keys()].filter((key) => !byKey.has(key));
  const misshapen: string[] = [];
  for (const [key, { dtype, shape }] of byKey) {
    const needed = wanted.get(key)?.shape ?? [];
    if (shape.join() !== needed.join())
      misshapen.push(`${key} ${shown(shape)} instead of [${needed.join(",")}]`);
    else if (!floats.has(dtype)) misshapen.push(`${key} of ${dtype} instead of floats`);
  }
  refuse(what, { missing, unexpected, misshapen });
  return new Map([...byKey].map(([key, tensor]) => [wanted.get(key)?.path ?? key, tensor]));
}

/** Name of a parameter within its model's files: its path without the model's own. */
export function keyOf(module: Module, path: string): string {
  return module.path ? path.slice(module.path.length + 1) : path;
}

function refuse(what: string, problems: Record<string, readonly string[]>): void {
  const found = Object.entries(problems).filter(([, names]) => names.length > 0);
  if (found.length === 0) return;
  const told = found.map(([kind, names]) => {
    const count = `${names.length} tensor${names.length === 1 ? "" : "s"}`;
    return `${count} ${kind}: ${kind === "unexpected" ? listed(names) : fewOf(names)}`;
  });
  throw new WeightError(`${what}: ${told.join("; ")}`, {
    hint: "check that config.json belongs to these weights, and that they are a full checkpoint and not a LoRA",
  });
}

/** Words of our own, so in no need of quotes; those after the first five are only counted. */
function fewOf(words: readonly string[]): string {
  return words.slice(0, 5).join(", ") + (words.length > 5 ? `, and ${words.length - 5} more` : "");
}
