/** @file Computes tensors for tests: traces, compiles and runs in one call. */
import { ortEngine, type Binding, type Engine, type Value } from "../../src/runtime/index.ts";
import { graphOf, type Tensor } from "../../src/tensor/index.ts";

const input: Binding = { kind: "input" };

/** Values of the named outputs; parameters are given beside the inputs, by path. */
export async function evaluate(
  outputs: Record<string, Tensor>,
  inputs: Readonly<Record<string, Value>> = {},
): Promise<Record<string, Value>> {
  return evaluateOn(await ortEngine())(outputs, inputs);
}

/** The same on a given engine. */
export function evaluateOn(engine: Engine) {
  return async (
    outputs: Record<string, Tensor>,
    inputs: Readonly<Record<string, Value>> = {},
  ): Promise<Record<string, Value>> => {
    await using program = await engine.compile(graphOf(outputs), { bind: () => input });
    return await program.run(inputs);
  };
}
