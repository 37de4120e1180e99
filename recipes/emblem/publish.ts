/** @file After the last stage: the three networks as an ordinary diffusers folder in f16, with their defaults beside them. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { saveFolder } from "limn/checkpoints";
import { place } from "limn/nn";
import { numbersOf, type Concept, type Run, type Weights } from "limn/training";
import { openData } from "./data.ts";
import { autoencoder, textEncoder, unet } from "./networks.ts";
import { schedulerJson } from "./scheduler.ts";

/** What a prompt gets when it asks for nothing else. */
const recommendations = { steps: 20, guidance: 3, width: 128, height: 128 };

/** `limn.json`: recommendations, and all things that the model was shown, one a line. */
export function describeModel(things: readonly ConceptNames[]): string {
  const lines = things.map(({ en, ru, also = [], alsoRu = [] }) =>
    JSON.stringify({ en: [en, ...also], ru: [ru, ...alsoRu] }),
  );
  const description = `${things.length} things as emoji, in English and Russian`;
  const json = JSON.stringify({ description, ...recommendations, knows: [] }, null, 2);
  return `${json.replace("[]", `[\n    ${lines.join(",\n    ")}\n  ]`)}\n`;
}

type ConceptNames = Pick<Concept, "en" | "ru" | "also" | "alsoRu">;

/** What a model folder is made from. */
interface Contents {
  readonly run: Run;
  readonly weights: Readonly<Record<"vae" | "diffusion", Weights>>;
  readonly dtype: "f16" | "f32";
}

/** Writes a diffusers folder that `limn --model` and other tools open. */
export async function saveModel(
  folder: string,
  { run, weights: { vae, diffusion }, dtype }: Contents,
): Promise<void> {
  const read = (name: string) => readFile(join(run.folder, "tokenizer", name));
  const tokenizer = ["vocab.json", "merges.txt", "tokenizer_config.json"];
  const files = await Promise.all(
    tokenizer.map(async (name) => [`tokenizer/${name}`, await read(name)] as const),
  );
  using data = await openData(run.folder);
  await saveFolder(folder, {
    pipeline: "StableDiffusionPipeline",
    networks: {
      vae: place(autoencoder(), "vae"),
      text_encoder: place(textEncoder(), "text_encoder"),
      unet: place(unet(), "unet"),
    },
    values: ({ path }) => vae.get(path) ?? numbersOf(diffusion, path),
    dtype,
    scheduler: schedulerJson,
    settings: { requires_safety_checker: false },
    files: {
      ...Object.fromEntries(files),
      "limn.json": describeModel(data.concepts.map(({ words }) => words)),
    },
  });
}
