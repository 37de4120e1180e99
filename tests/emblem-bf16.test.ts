/** @file The embedded model's networks in bf16 on OpenVINO beside f32: the noise is far below what can be seen. */
import { expect, test } from "vitest";
import { openFolder, type Component } from "../src/checkpoints/index.ts";
import { keyedRandom } from "../src/base/index.ts";
import { AutoencoderKL, CLIPTextModel, UNet2DConditionModel } from "../src/models/index.ts";
import type { Module } from "../src/nn/index.ts";
import { value, type Engine, type Value } from "../src/runtime/index.ts";
import { graphOf, input, type Tensor } from "../src/tensor/index.ts";
import { describeOpenVinoBf16 } from "./reference/engines.ts";

interface Work {
  readonly component: Component<Module>;
  readonly output: Tensor;
  readonly inputs: Readonly<Record<string, Value>>;
}

async function compute(engine: Engine, work: Work, precision: "f32" | "bf16") {
  const { component, output, inputs } = work;
  const bind = ({ path }: { path: string }) => {
    const stored = component.weights.get(path);
    if (!stored) throw new Error(`no weight for ${path}`);
    return { kind: "file", ...stored } as const;
  };
  await using program = await engine.compile(graphOf({ output }), { bind, precision });
  return (await program.run(inputs)).output;
}

/** Power of the f32 numbers over that of what bf16 adds, in decibels. */
async function decibels(engine: Engine, work: Work): Promise<number> {
  const [exact, rounded] = [
    (await compute(engine, work, "f32")).data as Float32Array,
    (await compute(engine, work, "bf16")).data as Float32Array,
  ];
  const signal = exact.reduce((sum, v) => sum + v * v, 0);
  return 10 * Math.log10(signal / exact.reduce((sum, v, i) => sum + (v - rounded[i]) ** 2, 0));
}

const folder = await openFolder("models/emblem");
const random = keyedRandom(1, 2, 3);
const normal = (shape: number[]) => value(random.normal(shape).data, shape);

function part<M extends Module>(
  component: Component<Module> | null,
  kind: abstract new (...args: never[]) => M,
): { component: Component<Module>; module: M } {
  if (!(component?.module instanceof kind)) throw new Error("the emblem has another network");
  return { component, module: component.module };
}

describeOpenVinoBf16("the emblem", ({ open }) => {
  const text = part(folder.textEncoder, CLIPTextModel);
  const words = value(
    Array.from({ length: 24 }, (_, i) => (i < 4 ? i + 5 : 1)),
    [1, 24],
    "i64",
  );
  const encoded = text.module.call(input("ids", [1, 24], "i64")).lastHiddenState;
  const textWork = { component: text.component, output: encoded, inputs: { ids: words } };

  test("text encoder", async () => {
    expect(await decibels(await open(), textWork)).toBeGreaterThan(40);
  });

  test("UNet, early and late", async () => {
    const engine = await open();
    const { component, module } = part(folder.unet, UNet2DConditionModel);
    const context = await compute(engine, textWork, "f32");
    const x = normal([1, module.config.inChannels, 16, 16]);
    const of = (name: string, { shape }: Value) => input(name, shape);
    const output = module.call(of("x", x), input("t", [1]), of("context", context));
    for (const t of [999, 300, 20]) {
      const inputs = { x, context, t: value([t], [1]) };
      expect(await decibels(engine, { component, output, inputs }), String(t)).toBeGreaterThan(38);
    }
  });

  test("decoder", async () => {
    const { component, module } = part(folder.vae, AutoencoderKL);
    const z = normal([1, module.config.latentChannels, 16, 16]);
    const output = module.decode(input("z", z.shape));
    const work = { component, output, inputs: { z } };
    expect(await decibels(await open(), work)).toBeGreaterThan(45);
  });
});
