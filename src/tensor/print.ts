/** @file A graph as text: one stable line per node, for errors, snapshots and cache keys. */
import type { Graph } from "./graph.ts";
import type { Values } from "./ops.ts";
import type { Tensor } from "./tensor.ts";
import { show } from "./type.ts";

/** FNV-1a over the bytes, 2 × 32 bits with different offsets: enough to tell constants apart. */
function fingerprint(values: Values): string {
  let [a, b] = [0x811c9dc5, 0x01000193];
  for (const byte of new Uint8Array(values.buffer, values.byteOffset, values.byteLength)) {
    a = Math.imul(a ^ byte, 0x01000193);
    b = Math.imul(b ^ byte, 0x85ebca6b);
  }
  return [a, b].map((n) => (n >>> 0).toString(16).padStart(8, "0")).join("");
}

function printAttribute(value: unknown): string {
  if (ArrayBuffer.isView(value)) {
    const values = value as Values;
    return values.length <= 8 ? `[${values.join(",")}]` : `#${fingerprint(values)}`;
  }
  return JSON.stringify(value);
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
