/** @file The weights of one graph as one array of f32, for engines that cannot map files. */
import { assert, dtypeBytes } from "../../base/index.ts";
import { bytesToF32 } from "../../formats/index.ts";
import type { Graph, Parameter } from "../../tensor/index.ts";
import { bytesOf } from "../lowering/emitter.ts";
import type { Binding } from "../engine.ts";

/** Bytes of a weight file. What `file` means is the reader's affair: a path, a URL, a name in a store. */
export type ReadRegion = (file: string, offset: number, length: number) => Promise<Uint8Array>;

type Bind = (parameter: Parameter) => Binding;

/** The numbers of all parameters that are compiled in, one after another. */
export interface WeightPack {
  /** The file that `bind` names. */
  readonly name: string;
  readonly bytes: Uint8Array;
  /** The graph's bindings, with the pack in the place of files and arrays. */
  readonly bind: Bind;
}

/**
 * Reads and widens the weights of a graph. They stay out of the model's own bytes, which as a message of protobuf end at
 * 2 GB and would be one more copy.
 */
export async function packWeights(graph: Graph, bind: Bind, read: ReadRegion): Promise<WeightPack> {
  const name = "weights";
  const places = new Map<Parameter, Binding>();
  const sources: { parameter: Parameter; binding: Binding; at: number }[] = [];
  let length = 0;
  for (const parameter of graph.parameters) {
    const binding = bind(parameter);
    if (binding.kind === "input") continue;
    places.set(parameter, { kind: "file", file: name, offset: length, dtype: parameter.dtype });
    sources.push({ parameter, binding, at: length });
    length += parameter.size * dtypeBytes[parameter.dtype];
    length = Math.ceil(length / 8) * 8; // every dtype is aligned
  }
  const bytes = new Uint8Array(length);
  await Promise.all(
    sources.map(async ({ parameter, binding, at }) => {
      bytes.set(await numbersOf(parameter, binding, read), at);
    }),
  );
  return { name, bytes, bind: (parameter) => places.get(parameter) ?? bind(parameter) };
}

async function numbersOf(
  { path, dtype, size }: Parameter,
  binding: Binding,
  read: ReadRegion,
): Promise<Uint8Array> {
  assert(binding.kind !== "input", `${path} is an input`);
  if (binding.kind === "array") return bytesOf(binding.data);
  const bytes = await read(binding.file, binding.offset, size * dtypeBytes[binding.dtype]);
  if (binding.dtype === dtype) return bytes;
  assert(dtype === "f32", `${path} is ${dtype}, but stored as ${binding.dtype}`);
  return bytesOf(bytesToF32(bytes, binding.dtype));
}
