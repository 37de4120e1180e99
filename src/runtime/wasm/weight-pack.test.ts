import { expect, test } from "vitest";
import { graphOf, parameter, type Parameter } from "../../tensor/index.ts";
import type { Binding } from "../engine.ts";
import { packWeights } from "./weight-pack.ts";

const named = (path: string, shape: number[], dtype: "f32" | "i64" = "f32"): Parameter => {
  const made = parameter(shape, { kind: "constant", value: 0 }, { dtype });
  made.path = path;
  return made;
};

test("every weight begins where its type may, widened, and what is given at a run is left out", async () => {
  const [odd, whole, later] = [named("odd", [1]), named("whole", [1], "i64"), named("later", [2])];
  const graph = graphOf({ odd, whole, later });
  // 1.5 in f16, at byte 6 of a file; its bits by IEEE 754.
  const file = Uint8Array.of(9, 9, 9, 9, 9, 9, 0x00, 0x3e);
  const bindings = new Map<Parameter, Binding>([
    [odd, { kind: "file", file: "weights.bin", offset: 6, dtype: "f16" }],
    [whole, { kind: "array", data: BigInt64Array.of(7n) }],
    [later, { kind: "input" }],
  ]);
  const bindingOf = (p: Parameter) => bindings.get(p) ?? { kind: "input" as const };
  const asked: unknown[] = [];
  const pack = await packWeights(graph, bindingOf, (...region) => {
    asked.push(region);
    return Promise.resolve(file.slice(region[1], region[1] + region[2]));
  });
  expect(asked).toEqual([["weights.bin", 6, 2]]);
  expect(pack.bind(odd)).toMatchObject({ kind: "file", file: pack.name, offset: 0, dtype: "f32" });
  expect(pack.bind(whole)).toMatchObject({ file: pack.name, offset: 8, dtype: "i64" });
  expect(pack.bind(later)).toEqual({ kind: "input" });
  expect(new Float32Array(pack.bytes.buffer, 0, 1)[0]).toBe(1.5);
  expect(new BigInt64Array(pack.bytes.buffer, 8, 1)[0]).toBe(7n);
});
