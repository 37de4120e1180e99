/** @file The error of a network whose output is no number: which step, and what made the first such number. */
import { NotFiniteError } from "../base/index.ts";
import { firstNotFinite, type Rerun } from "../runtime/index.ts";
import { graphOf, type Tensor } from "../tensor/index.ts";

/** A network's output as a graph, and a way to run other graphs over the same inputs. */
export interface Suspect extends Rerun {
  readonly trace: () => Tensor;
}

/** The error that says which step and which module. Runs the network once more. */
export async function notFiniteError(
  step: string,
  { trace, ...rerun }: Suspect,
): Promise<NotFiniteError> {
  const found = await firstNotFinite(graphOf({ output: trace() }), rerun);
  const place =
    found?.kind === "node"
      ? `the first module whose output is not finite is ${found.name || "the network itself"}`
      : `its ${found?.kind} ${found?.name} already is not`;
  return new NotFiniteError(
    `${step}: the network's output is not finite${found === null ? "" : `; ${place}`}`,
    {
      hint: "the weights, or their f32 copy in limn's cache folder, may be damaged or too large for f32; remove that copy, or try another of the model",
    },
  );
}
