/** @file A picture's own parameters as wishes: what draws it again. Pictures of A1111 tell most of theirs in the same words. */
import { RequestError } from "../base/index.ts";
import { engineNames, precisionOrder } from "./engines/table.ts";
import { inspect, type Facts } from "./inspect.ts";
import type { EngineChoice, PrecisionChoice } from "./protocol.ts";

/** What a picture says of itself; what it does not say is left out. */
export interface PictureWishes {
  readonly prompt?: string;
  readonly negative?: string;
  readonly model?: string;
  readonly steps?: number;
  readonly guidance?: number;
  readonly guidanceRescale?: number;
  readonly seed?: number;
  readonly width?: number;
  readonly height?: number;
  readonly sampler?: string;
  readonly schedule?: string;
  readonly rng?: "torch" | "philox";
  readonly eta?: number;
  readonly clipSkip?: number;
  readonly engine?: EngineChoice;
  readonly precision?: PrecisionChoice;
}

type Values = ReadonlyMap<string, string>;

/** Reads the parameters inside a picture. Throws RequestError where it has none, or was drawn from noise of its own. */
export async function wishesOf(path: string): Promise<PictureWishes> {
  const facts = await inspect(path);
  if (facts.kind !== "picture" || facts.parameters === null)
    throw new RequestError("like", `${path} carries no parameters of a picture`, {
      hint: "give a .png file that limn or A1111 drew",
    });
  const noise = facts.values.get("Latents");
  if (noise !== undefined)
    throw new RequestError(
      "like",
      `${path} was drawn from the noise in ${noise}, not from a seed`,
      {
        hint: "say its parameters one by one (limn info shows them), with --latents",
      },
    );
  return wishes(facts, facts.values);
}

function wishes(
  { prompt, negative }: Extract<Facts, { kind: "picture" }>,
  values: Values,
): PictureWishes {
  const number = (name: string) => {
    const text = values.get(name);
    return text === undefined || text.trim() === "" ? undefined : Number(text);
  };
  const [engine] = values.get("Engine")?.split(" ") ?? [];
  const own = values.get("Version")?.startsWith("limn ") ?? false;
  const all: { [K in keyof PictureWishes]: PictureWishes[K] | undefined } = {
    prompt,
    // limn writes an empty negative prompt in words, since none at all is something else.
    negative: negative !== "" ? negative : values.get("Negative") === "empty text" ? "" : undefined,
    // Models of others go by names that are not limn's.
    model: own ? values.get("Model") : undefined,
    steps: number("Steps"),
    guidance: number("CFG scale"),
    guidanceRescale: number("CFG rescale"),
    seed: number("Seed"),
    width: number("Size-1"),
    height: number("Size-2"),
    sampler: values.get("Sampler"),
    schedule: values.get("Schedule type"),
    rng: values.get("RNG") === "CPU" ? "torch" : "philox",
    eta: number("Eta"),
    clipSkip: number("Clip skip"),
    engine: oneOf(engine, engineNames),
    precision: oneOf(values.get("Precision"), precisionOrder),
  };
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined));
}

function oneOf<T extends string>(word: string | undefined, words: readonly T[]): T | undefined {
  return words.find((known) => known === word);
}
