/** @file A whole graph as ONNX bytes: leaves bound to inputs, constants and files, then the walk. */
import {
  encodeOnnxModel,
  type OnnxInitializer,
  type OnnxNode,
  type OnnxValue,
} from "../../formats/index.ts";
import { dtypeBytes } from "../../base/index.ts";
import { sortNodes, verify, type Graph, type Parameter, type Tensor } from "../../tensor/index.ts";
import { bytesOf, Emitter } from "./emitter.ts";
import { borderName } from "./border.ts";
import type { Binding } from "../engine.ts";
import { lowerAll, type Kernels } from "./lower.ts";

export interface LoweredModel {
  readonly bytes: Uint8Array;
  readonly nodes: readonly OnnxNode[];
  readonly inputs: readonly OnnxValue[];
  readonly outputs: readonly OnnxValue[];
}

const valueOf = (name: string, { dtype, shape }: Tensor): OnnxValue => ({ name, dtype, shape });

function weightOf(
  name: string,
  parameter: Parameter,
  binding: Exclude<Binding, { kind: "input" }>,
  locate: (file: string) => string,
): OnnxInitializer {
  const { dtype, shape, size } = parameter;
  if (binding.kind === "array") return { name, dtype, shape, data: bytesOf(binding.data) };
  const length = size * dtypeBytes[dtype];
  const data = { location: locate(binding.file), offset: binding.offset, length };
  return { name, dtype, shape, data };
}

/** Nodes that make the outputs under their own names; what is a leaf, or has been named already, is copied. */
function nameOutputs(
  nodes: readonly OnnxNode[],
  outputs: readonly (readonly [name: string, source: string])[],
): readonly OnnxNode[] {
  const made = new Set(nodes.flatMap((node) => node.outputs));
  const renamed = new Map<string, string>();
  const copies: OnnxNode[] = [];
  for (const [name, source] of outputs) {
    if (made.has(source) && !renamed.has(source)) renamed.set(source, name);
    else copies.push({ op: "Identity", inputs: [renamed.get(source) ?? source], outputs: [name] });
  }
  const now = (name: string) => renamed.get(name) ?? name;
  const named = nodes.map((node) => ({
    ...node,
    inputs: node.inputs.map(now),
    outputs: node.outputs.map(now),
  }));
  return [...named, ...copies];
}

/** Inputs of a graph that are read where some tensors are given. */
function inputsBeside(
  { outputs, inputs }: Graph,
  given: ReadonlyMap<Tensor, string>,
): readonly (readonly [Tensor, string])[] {
  const isGiven = { has: ({ outputs: [first] }: Tensor["node"]) => given.has(first) };
  const nodes = new Set(sortNodes(outputs.values(), isGiven));
  const read = given.size === 0 ? inputs : inputs.filter(({ node }) => nodes.has(node));
  return read.map((tensor) => [tensor, tensor.label ?? ""] as const);
}

/** Lowers a graph; `locate` says how the engine wants a weight file called. */
export function lowerGraph(
  graph: Graph,
  options: {
    bind: (parameter: Parameter) => Binding;
    kernels: Kernels;
    locate: (file: string) => string;
    /** Tensors that were computed elsewhere, by the names of the inputs that they become. */
    given?: ReadonlyMap<Tensor, string>;
  },
): LoweredModel {
  verify(graph);
  const e = new Emitter();
  const inputs: OnnxValue[] = [];
  const { given = new Map<Tensor, string>() } = options;
  for (const [tensor, name] of [...inputsBeside(graph, given), ...given]) {
    inputs.push(valueOf(name, tensor));
    e.names.set(tensor, name);
  }
  for (const parameter of graph.parameters) {
    const name = parameter.path;
    e.names.set(parameter, name);
    const binding = options.bind(parameter);
    if (binding.kind === "input") inputs.push(valueOf(name, parameter));
    else e.initializers.push(weightOf(name, parameter, binding, options.locate));
  }
  lowerAll(e, [...graph.outputs.values()], options.kernels);
  const outputs = [...graph.outputs].map(([name, tensor]) => valueOf(borderName(name), tensor));
  const nodes = nameOutputs(
    e.nodes,
    [...graph.outputs].map(([name, tensor]) => [borderName(name), e.names.get(tensor) ?? ""]),
  );
  const opsets = { "": 17, "com.microsoft": 1 };
  const bytes = encodeOnnxModel({
    opsets,
    nodes,
    initializers: e.initializers,
    inputs,
    outputs,
  });
  return { bytes, nodes, inputs, outputs };
}
