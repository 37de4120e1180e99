/** @file A graph as text: one stable line per node, for errors, snapshots and cache keys. */
import { sha256, type Values } from "../base/index.ts";
import type { Graph } from "./graph.ts";
import type { Tensor } from "./tensor.ts";
import { show } from "./type.ts";

/** As JSON, but for the numbers that JSON does not tell apart: NaN, the infinities and −0. */
function printAttribute(value: unknown): string {
  if (ArrayBuffer.isView(value)) {
    const { buffer, byteOffset, byteLength, length } = value as Values;
    return length <= 8
      ? printAttribute([...(value as Values)])
      : `#${sha256(new Uint8Array(buffer, byteOffset, byteLength))}`;
  }
  if (typeof value === "number") return Object.is(value, -0) ? "-0" : String(value);
  if (Array.isArray(value)) return `[${value.map(printAttribute).join(",")}]`;
  if (typeof value !== "object" || value === null)
    return typeof value === "string" ? JSON.stringify(value) : String(value);
  const fields = Object.entries(value).map(([key, v]) => `"${key}":${printAttribute(v)}`);
  return `{${fields.join(",")}}`;
}

/** One line per node: `%3: f32[1,320,64,64] = Conv(%0, %1, %2) {group: 1, …}`. Equal graphs print equally. */
export function print(graph: Graph): string {
  const names = new Map<Tensor, string>();
  const lines = graph.nodes.map((node) => {
    const own = node.outputs.map((t) => {
      names.set(t, `%${names.size}`);
      return `${names.get(t)}: ${show({ dtype: t.dtype, shape: t.shape })}`;
    });
    const inputs = node.inputs.map((t) => (t ? names.get(t) : "-")).join(", ");
    const attrs = Object.entries(node.attrs)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, value]) => `${key}: ${printAttribute(value)}`);
    return `${own.join(", ")} = ${node.op}(${inputs})${attrs.length ? ` {${attrs.join(", ")}}` : ""}`;
  });
  const outputs = [...graph.outputs].map(([name, t]) => `${name}: ${names.get(t)}`);
  return [...lines, `return {${outputs.join(", ")}}`].join("\n");
}
