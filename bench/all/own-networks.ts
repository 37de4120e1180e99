/** @file limn's side of the works that draw: a network alone, or a whole picture. */
import { hostArray, sizeOf } from "../../src/base/index.ts";
import { openFolder, type Weights } from "../../src/checkpoints/index.ts";
import { AutoencoderKL, UNet2DConditionModel } from "../../src/models/index.ts";
import { load, textToImage } from "../../src/pipelines/index.ts";
import { value, type Engine, type Precision, type Value } from "../../src/runtime/index.ts";
import { graphOf, input, type Graph } from "../../src/tensor/index.ts";
import type { Work } from "./works.ts";

/** Does the work once; what it resolves to gives the answer as numbers, which is no part of the work. */
export type Run = () => Promise<() => Float32Array>;
type Given = Readonly<Record<string, Float32Array>>;

/** What a work's inputs are called and how they are shaped, as the description says. */
type Shaped = Work & { readonly shapes: Readonly<Record<string, readonly number[]>> };

interface Traced {
  readonly graph: Graph;
  readonly weights: Weights;
}

async function trace({ kind, model, shapes }: Shaped): Promise<Traced> {
  const { unet, vae, textEncoder } = await openFolder(model);
  const of = (name: string) => input(name, shapes[name]);
  switch (kind) {
    case "text": {
      if (!textEncoder) throw new Error(`${model} has no text encoder`);
      const output = textEncoder.module.call(input("ids", shapes["ids"], "i64"));
      return { graph: graphOf({ out: output.lastHiddenState }), weights: textEncoder.weights };
    }
    case "unet": {
      const { module, weights } = unet;
      if (!(module instanceof UNet2DConditionModel)) throw new Error(`${model} has another UNet`);
      const out = module.call(of("sample"), of("timestep"), of("context"));
      return { graph: graphOf({ out }), weights };
    }
    default: {
      if (!(vae?.module instanceof AutoencoderKL)) throw new Error(`${model} has no decoder`);
      const { module, weights } = vae;
      return {
        graph: graphOf({ out: module.decode(of("latents").div(module.config.scalingFactor)) }),
        weights,
      };
    }
  }
}

/** Both halves of guidance have the same latents and time, which limn takes once. */
function latentsOnce(work: Shaped): Shaped {
  if (work.kind !== "unet") return work;
  const [, ...latent] = work.shapes["sample"];
  return { ...work, shapes: { ...work.shapes, sample: [1, ...latent], timestep: [1] } };
}

/** Compiles a network in the mode for speed. */
export async function openNetwork(work: Work, engine: Engine, given: Given): Promise<Run> {
  const shaped = latentsOnce(work as Shaped);
  const { graph, weights } = await trace(shaped);
  const program = await engine.compile(graph, {
    mode: "fast",
    bind: ({ path }) => {
      const stored = weights.get(path);
      if (!stored) throw new Error(`no weights of ${path}`);
      return { kind: "file", ...stored };
    },
  });
  const inputs = Object.fromEntries(
    Object.entries(given).map(([name, data]) => [name, valueOf(name, data, shaped)]),
  );
  return async () => {
    const { out } = await program.run(inputs);
    return () => out.data as Float32Array;
  };
}

function valueOf(name: string, data: Float32Array, { shapes }: Shaped): Value {
  return name === "ids"
    ? value(BigInt64Array.from(data, BigInt), shapes[name], "i64")
    : value(data.subarray(0, sizeOf(shapes[name])), shapes[name]);
}

/** Opens the model as a command does; the answer is the picture's bytes. */
export async function openPicture(
  work: Work,
  { engine, precision }: { engine: Engine; precision: Precision },
  given: Given,
): Promise<Run> {
  const { model: folder, prompt, steps, guidance } = work;
  const model = await load(folder, { engine, precision, mode: "fast" });
  const latents = hostArray(given["noise"], [...(work as Shaped).shapes["noise"]]);
  return async () => {
    const run = textToImage(model, { prompt, steps, guidance, latents });
    for (;;) {
      const next = await run.next();
      if (!next.done) continue;
      const [image] = next.value.images;
      return () => Float32Array.from(image.data);
    }
  };
}
