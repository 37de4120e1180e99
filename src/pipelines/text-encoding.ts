/** @file Prompts to what the UNet reads: hidden states of one or two CLIP encoders, and a pooled text. */
import { hostArray, RequestError, type HostArray } from "../base/index.ts";
import { CLIPTextModelWithProjection, type CLIPTextModel } from "../models/index.ts";
import { value, type Value } from "../runtime/index.ts";
import { graphOf, input, type Graph, type Tensor } from "../tensor/index.ts";
import type { ClipTokenizer } from "../text/index.ts";
import type { GraphRunner, Weights } from "./programs/graph-runner.ts";

/** One text encoder with its tokenizer. */
export interface TextEncoder {
  readonly network: CLIPTextModel | CLIPTextModelWithProjection;
  readonly tokenizer: ClipTokenizer;
  readonly weights: Weights;
}

/** A prompt as the UNet gets it: [tokens, width], and [width] where the family has a pooled text. */
export interface EncodedText {
  readonly states: HostArray;
  readonly pooled: HostArray | null;
}

/** Which states are read: SD 1 and 2 take the last, normed; SDXL takes the one before, as it is. */
export type StateRule = "last-normed" | "penultimate";

/** How a prompt is read. `clipSkip` counts as A1111: 1 skips nothing, 2 skips one layer. */
export interface EncodeOptions {
  readonly rule: StateRule;
  readonly clipSkip: number;
}

/** The end of a prompt that is longer than an encoder reads, as the tokenizer spells it; "" where all is read. */
export function leftOut({ tokenizer }: Pick<TextEncoder, "tokenizer">, prompt: string): string {
  const ids = tokenizer.encode(prompt);
  // The last id of both the whole and the part is the end token.
  return ids.length > tokenizer.maxLength
    ? tokenizer.decode(ids.slice(tokenizer.maxLength - 1, -1))
    : "";
}

/** Runs a prompt through every encoder; their states lie side by side, the pooled text is the last encoder's. */
export async function encodeText(
  runner: GraphRunner,
  encoders: readonly TextEncoder[],
  prompt: string,
  options: EncodeOptions,
): Promise<EncodedText> {
  const parts: Record<string, Value>[] = [];
  for (const encoder of encoders) parts.push(await run(runner, encoder, prompt, options));
  const pooled = parts[parts.length - 1].pooled as Value | undefined;
  return {
    states: sideBySide(parts.map(({ states }) => states)),
    pooled: pooled ? hostArray(pooled.data as Float32Array, pooled.shape.slice(1)) : null,
  };
}

async function run(
  runner: GraphRunner,
  { network, tokenizer, weights }: TextEncoder,
  prompt: string,
  options: EncodeOptions,
): Promise<Record<string, Value>> {
  const ids = BigInt64Array.from(tokenizer.encodePadded(prompt), BigInt);
  const graph = trace(network, ids.length, options);
  await using lease = await runner.borrow("the text encoder", graph, weights);
  return lease.program.run({ ids: value(ids, [1, ids.length], "i64") });
}

function trace(
  network: CLIPTextModel | CLIPTextModelWithProjection,
  tokens: number,
  { rule, clipSkip }: EncodeOptions,
): Graph {
  const output = network.call(input("ids", [1, tokens], "i64"));
  const skipped = clipSkip - 1 + Number(rule === "penultimate");
  const { hiddenStates } = output;
  const most = hiddenStates.length - 1 - Number(rule === "penultimate");
  if (!Number.isInteger(clipSkip) || clipSkip < 1 || clipSkip > most)
    throw new RequestError(
      "clip-skip",
      `must be a whole number from 1 (no layer skipped) to ${most}, got ${clipSkip}`,
    );
  const state = hiddenStates[hiddenStates.length - 1 - skipped];
  const states: Tensor =
    rule === "penultimate"
      ? state
      : skipped === 0
        ? output.lastHiddenState
        : network.textModel.finalLayerNorm.call(state);
  const pools = network instanceof CLIPTextModelWithProjection;
  return graphOf(pools ? { states, pooled: output.pooled } : { states });
}

/** [1, tokens, w₁], [1, tokens, w₂] … → [tokens, w₁ + w₂ + …]. */
function sideBySide(values: readonly Value[]): HostArray {
  const widths = values.map(({ shape }) => shape[2]);
  const [tokens] = values.map(({ shape }) => shape[1]);
  const width = widths.reduce((sum, each) => sum + each, 0);
  const data = new Float32Array(tokens * width);
  let column = 0;
  for (const [i, each] of values.entries()) {
    const numbers = each.data as Float32Array;
    for (let token = 0; token < tokens; token++)
      data.set(
        numbers.subarray(token * widths[i], (token + 1) * widths[i]),
        token * width + column,
      );
    column += widths[i];
  }
  return hostArray(data, [tokens, width]);
}
