/** @file Every network of a tiny model against diffusers: outputs, and inner activations to find the first layer that differs. */
import { readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { openFolder, type Component, type DiffusersFolder } from "../src/checkpoints/index.ts";
import { openSafetensors, readAsF32, readTensor } from "../src/formats/index.ts";
import { AutoencoderKL, UNet2DConditionModel, UNet2DModel } from "../src/models/index.ts";
import { modulesOf, type Module } from "../src/nn/index.ts";
import { ortEngine, value, type Engine, type Precision, type Value } from "../src/runtime/index.ts";
import { graphOf, input, Tensor, type Values } from "../src/tensor/index.ts";
import { deviationOf } from "./reference/deviations.ts";
import type { TestedEngine } from "./reference/engines.ts";

interface Case {
  readonly name: string;
  readonly module: string;
  readonly inputs: Readonly<Record<string, string>>;
  readonly outputs: Readonly<Record<string, string>>;
  readonly inner?: Readonly<Record<string, string>>;
}

process.env["LIMN_CACHE"] ??= join(tmpdir(), "limn-test-cache");

/** Steps that diffusers has modules for and limn has not: sinusoids, activations, dropout. */
const notModules = /(^|\.)((add_)?time_proj|nonlinearity|conv_act|net\.1)$/;

/** The models of tests/goldens. */
export const embeddedModels = ["sd1", "sd1-inpaint", "sd1-pix2pix", "sd2-v", "sdxl", "ddpm"];
/** Those that only the folder of all goldens has. */
export const otherModels = ["sd1-f16", "sdxl-refiner", "x4-upscaler"];

/** Largest difference from the goldens: a tenth of what they allow, and ten times what f32 sums in another order were seen to cost. */
const usual = 1e-4;
/** Least ratio of an output's power to its error in bf16, in dB. */
const usualDecibels = 35;
/** What another processor's order of sums may change of that ratio, in dB. */
const slack = 1;

/**
 * Adds one test for each case of model `name`, whose folders lie below `root`; without them it fails. In f32 outputs must be
 * within `usual` of the goldens, inner activations as many deviations where that is larger; in bf16 each output's error must
 * lie `usualDecibels` below it. What is known to deviate must do so, lest its excuse outlive it.
 */
export function testNetworks(
  root: string,
  name: string,
  {
    engine: { name: engineName, open } = { name: "ort", open: ortEngine },
    precision = "f32",
  }: { engine?: TestedEngine; precision?: Precision } = {},
): void {
  const cases = readCases(root, name);
  describe(name, () => {
    let engine: Engine;
    let folder: DiffusersFolder;
    let golden: (tensor: string) => Promise<Value>;
    beforeAll(async () => {
      engine = await open();
      folder = await openFolder(join(root, "models", name));
      golden = await tensorsOf(join(root, "networks", `${name}.safetensors`));
      expect(folder.remarks).toEqual([]);
    });
    const excuse = (one: Case) =>
      deviationOf({ engine: engineName, precision }, `networks/${name}/${one.name}`);

    test.each(precision === "bf16" ? cases : [])("$name in bf16", async (one) => {
      const { asked, given, options } = await prepared(folder, one, golden);
      const outputs = Object.keys(one.outputs);
      const only = Object.fromEntries(outputs.map((key) => [key, asked[key]]));
      await using program = await engine.compile(graphOf(only), { ...options, precision });
      const ours = await program.run(given);
      let worst = Infinity;
      for (const [key, tensor] of Object.entries(one.outputs))
        worst = Math.min(worst, signalToNoise(ours[key].data, (await golden(tensor)).data));
      const known = excuse(one);
      const least = decibelsOf(known?.allowed);
      expect(worst, known?.reason ?? "").toBeGreaterThan(least ?? usualDecibels);
      if (least !== null) expect(worst, "no excuse needed").toBeLessThan(usualDecibels + slack);
    });

    test.each(precision === "f32" ? cases : [])("$name", async (one) => {
      const { asked, given, options } = await prepared(folder, one, golden);
      // A block's value is that of its last layer: each tensor is asked for once, under its last name.
      const nameOf = new Map(Object.entries(asked).map(([key, tensor]) => [tensor, key]));
      const once = Object.fromEntries([...nameOf].map(([tensor, key]) => [key, tensor]));
      await using program = await engine.compile(graphOf(once), options);
      const ours = await program.run(given);
      const known = excuse(one);
      const within = withinOf(known?.allowed);
      let worst = 0;
      for (const [key, tensor] of Object.entries({ ...one.inner, ...one.outputs })) {
        if (one.inner && key in one.inner && notModules.test(key)) continue;
        expect(asked, `${key} was not traced`).toHaveProperty([key]);
        const kind = key in one.outputs ? "output" : "inner";
        const { data } = ours[nameOf.get(asked[key]) ?? key];
        const off = difference(key, data, { theirs: (await golden(tensor)).data, kind });
        expect(off, `${key} ${known?.reason ?? ""}`).toBeLessThan(within ?? usual);
        worst = Math.max(worst, off);
      }
      if (within !== null) expect(worst, "no excuse needed").toBeGreaterThan(usual);
    });
  });
}

type Allowed = Exclude<ReturnType<typeof deviationOf>, null>["allowed"] | undefined;
const decibelsOf = (allowed: Allowed) =>
  typeof allowed === "object" && "decibels" in allowed ? allowed.decibels : null;
const withinOf = (allowed: Allowed) =>
  typeof allowed === "object" && "within" in allowed ? allowed.within : null;

/** All that a case asks of its network, what it is given, and how its weights are bound. */
async function prepared(
  folder: DiffusersFolder,
  one: Case,
  golden: (tensor: string) => Promise<Value>,
) {
  const component = componentOf(folder, one);
  const given: Record<string, Value> = {};
  for (const [key, tensor] of Object.entries(one.inputs))
    given[key] = fitted(key, await golden(tensor));
  const asked = trace(component.module, one, given);
  return { asked, given, options: { bind: bindTo(component) } };
}

/** Power of the numbers over that of the error, in decibels. */
function signalToNoise(ours: Values, theirs: Values): number {
  expect(ours.length).toBe(theirs.length);
  let [signal, noise] = [0, 0];
  for (let i = 0; i < theirs.length; i += 1) {
    signal += Number(theirs[i]) ** 2;
    noise += (Number(ours[i]) - Number(theirs[i])) ** 2;
  }
  return 10 * Math.log10(signal / noise);
}

/** The largest difference; of inner activations in deviations from 0, where these are above 1. */
function difference(
  key: string,
  ours: Values,
  { theirs, kind }: { theirs: Values; kind: "inner" | "output" },
): number {
  expect(ours.length, key).toBe(theirs.length);
  let worst = 0;
  let squares = 0;
  for (let i = 0; i < theirs.length; i += 1) {
    worst = Math.max(worst, Math.abs(Number(ours[i]) - Number(theirs[i])));
    squares += Number(theirs[i]) ** 2;
  }
  const size = kind === "inner" ? Math.max(1, Math.sqrt(squares / theirs.length)) : 1;
  return worst / size;
}

/** The cases of a model; fails where there are none. */
export function readCases(root: string, name: string): readonly Case[] {
  const text = readFileSync(join(root, "networks", `${name}.json`), "utf8");
  const { cases } = JSON.parse(text) as { cases: Case[] };
  if (cases.length === 0) throw new Error(`${name} has no cases`);
  return cases;
}

async function tensorsOf(file: string): Promise<(tensor: string) => Promise<Value>> {
  const { tensors } = await openSafetensors(file);
  return async (name) => {
    const stored = tensors.get(name);
    if (!stored) throw new Error(`${file} lacks ${name}`);
    if (stored.dtype !== "i64") return value(await readAsF32(stored), stored.shape);
    return value(new BigInt64Array((await readTensor(stored)).buffer), stored.shape, "i64");
  };
}

/** Time steps are f32 of one per row, whatever the reference was given. */
function fitted(key: string, given: Value): Value {
  if (key !== "timestep") return given;
  return value(Float32Array.from(given.data as Float32Array, Number), [given.data.length]);
}

function componentOf(folder: DiffusersFolder, { module }: Case): Component<Module> {
  const parts: Record<string, Component<Module> | null> = {
    unet: folder.unet,
    vae: folder.vae,
    text_encoder: folder.textEncoder,
    text_encoder_2: folder.textEncoder2,
  };
  const component = parts[module.split(".")[0]];
  if (!component) throw new Error(`the folder lacks ${module}`);
  return component;
}

const bindTo = (component: Component<Module>) => (parameter: { path: string }) => {
  const stored = component.weights.get(parameter.path);
  if (!stored) throw new Error(`no weight for ${parameter.path}`);
  return { kind: "file", ...stored } as const;
};

/** The case's outputs and every inner activation, by the goldens' names. */
function trace(
  module: Module,
  one: Case,
  given: Readonly<Record<string, Value>>,
): Record<string, Tensor> {
  const inner: Record<string, Tensor> = {};
  for (const layer of modulesOf(module)) {
    const key = layer.path.slice(module.path.length + 1);
    if (one.inner && key in one.inner)
      layer.observe = (seen) =>
        (inner[key] = seen instanceof Tensor ? seen : (seen as { x: Tensor }).x);
  }
  const of = (name: string) => input(name, given[name].shape, given[name].dtype);
  const outputs = applied(module, one, of);
  for (const layer of modulesOf(module)) layer.observe = null;
  return { ...inner, ...outputs };
}

function applied(module: Module, { name, inputs }: Case, of: (name: string) => Tensor) {
  if (module instanceof UNet2DModel) return { sample: module.call(of("sample"), of("timestep")) };
  if (module instanceof UNet2DConditionModel) {
    const added = {
      ...(inputs["text_embeds"] ? { textEmbeds: of("text_embeds") } : {}),
      ...(inputs["time_ids"] ? { timeIds: of("time_ids") } : {}),
      ...(inputs["class_labels"] ? { classLabels: of("class_labels") } : {}),
    };
    const text = of("encoder_hidden_states");
    return { sample: module.call(of("sample"), of("timestep"), text, added) };
  }
  if (module instanceof AutoencoderKL) return autoencoded(module, name, of);
  const encode = module as Exclude<DiffusersFolder["textEncoder"], null>["module"];
  const { lastHiddenState, pooled, hiddenStates } = encode.call(of("input_ids"));
  const states = hiddenStates.map((state, i) => [`hidden_states.${i}`, state] as const);
  return { last_hidden_state: lastHiddenState, pooled, ...Object.fromEntries(states) };
}

function autoencoded(vae: AutoencoderKL, name: string, of: (name: string) => Tensor) {
  const { scalingFactor } = vae.config;
  if (name.startsWith("vae.decode")) return { image: vae.decode(of("latents").div(scalingFactor)) };
  const { mean, logvar } = vae.encode(of("image"));
  const std = logvar.mul(0.5).exp();
  const sample = mean.add(std.mul(of("noise")));
  return { mean, logvar, std, sample, latents: sample.mul(scalingFactor) };
}
