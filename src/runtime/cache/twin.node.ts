/** @file f32 twins of f16 and bf16 weight files: cast once into the cache folder, mapped from then on. */
import { EngineError, LimnError } from "../../base/index.ts";
import {
  openSafetensors,
  readAsF32,
  writeSafetensors,
  type SafetensorsIndex,
} from "../../formats/index.ts";
import type { Graph, Parameter } from "../../tensor/index.ts";
import type { Binding } from "../engine.ts";
import { twinFolder, twinOf } from "./twin-folder.node.ts";

type Bind = (parameter: Parameter) => Binding;

/** Opens the f32 twin of a weight file, writing it first when it does not exist. */
async function openTwin(file: string, source: SafetensorsIndex): Promise<SafetensorsIndex> {
  const tensors = [...source.tensors].map(([name, tensor]) => ({
    name,
    dtype: "f32" as const,
    shape: tensor.shape,
    data: () => readAsF32(tensor),
  }));
  try {
    const make = (to: string) => writeSafetensors(to, tensors);
    return await openSafetensors(await twinOf(file, "safetensors", make));
  } catch (cause) {
    if (cause instanceof LimnError) throw cause; // the weight file is at fault, not the cache
    throw new EngineError(`the cache folder ${twinFolder()} cannot hold an f32 copy of ${file}`, {
      hint: "free some room, or set LIMN_CACHE to a folder that can be written",
      cause,
    });
  }
}

/** Where a half-precision region's numbers lie in its file's twin. */
async function twinRegions(file: string): Promise<Map<number, Binding>> {
  const source = await openSafetensors(file);
  const twin = await openTwin(file, source);
  const regions = new Map<number, Binding>();
  for (const [name, { offset }] of source.tensors) {
    const wide = twin.tensors.get(name);
    if (wide)
      regions.set(offset, { kind: "file", file: wide.file, offset: wide.offset, dtype: "f32" });
  }
  return regions;
}

/** The same bindings with every file region that is not stored in its parameter's dtype replaced by its twin. */
export async function widenBindings(graph: Graph, bind: Bind): Promise<Bind> {
  const narrow = graph.parameters.flatMap((parameter) => {
    const binding = bind(parameter);
    return binding.kind === "file" && binding.dtype !== parameter.dtype ? [binding] : [];
  });
  if (narrow.length === 0) return bind;
  const twins = new Map<string, Map<number, Binding>>();
  for (const file of new Set(narrow.map((b) => b.file))) twins.set(file, await twinRegions(file));
  return (parameter) => {
    const binding = bind(parameter);
    if (binding.kind !== "file" || binding.dtype === parameter.dtype) return binding;
    const twin = twins.get(binding.file)?.get(binding.offset);
    if (!twin) throw new EngineError(`${parameter.path} is no tensor of ${binding.file}`);
    return twin;
  };
}
