/** @file Every network of a tiny model against diffusers: outputs, and inner activations to find the first layer that differs. */
import { readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { openFolder, type Component, type DiffusersFolder } from "../src/checkpoints/index.ts";
import { openSafetensors, readAsF32, readTensor } from "../src/formats/index.ts";
import { AutoencoderKL, UNet2DConditionModel, UNet2DModel } from "../src/models/index.ts";
import { modulesOf, type Module } from "../src/nn/index.ts";
import { ortEngine, value, type Engine, type Value } from "../src/runtime/index.ts";
import { graphOf, input, Tensor, type Values } from "../src/tensor/index.ts";
import { loudNetwork } from "./reference/deviations.ts";

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

/**
 * Adds one test for each case of model `name`, whose folders lie below `root`; without them it fails. Outputs must be
 * `within` the goldens, inner activations as many deviations where that is larger: by default a tenth of what the goldens
 * allow, and ten times what f32 sums in another order were seen to cost. With `decibels` the networks compute in bf16, and
 * each output's error must be so far below it.
 */
export function testNetworks(
  root: string,
  name: string,
  {
    open = ortEngine,
    within = 1e-4,
    decibels = null,
  }: { open?: () => Promise<Engine>; within?: number; decibels?: number | null } = {},
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
    test.each(decibels === null ? [] : cases)("$name in bf16", async (one) => {
      const component = componentOf(folder, one);
      const given: Record<string, Value> = {};
      for (const [key, tensor] of Object.entries(one.inputs))
        given[key] = fitted(key, await golden(tensor));
      const traced = trace(component.module, one, given);
      const asked = Object.fromEntries(Object.keys(one.outputs).map((key) => [key, traced[key]]));
      const options = { bind: bindTo(component), precision: "bf16" } as const;
      await using program = await engine.compile(graphOf(asked), options);
      const ours = await program.run(given);
      for (const [key, tensor] of Object.entries(one.outputs)) {
        const ratio = signalToNoise(ours[key].data, (await golden(tensor)).data);
        const loud = loudNetwork(name, one.name);
        expect(ratio, `${key} ${loud?.reason ?? ""}`).toBeGreaterThan(
          loud?.decibels ?? decibels ?? 0,
        );
        // An excuse must not outlive its need.
        if (loud) expect(ratio).toBeLessThan(decibels ?? 0);
      }
    });
    test.each(decibels === null ? cases : [])("$name", async (one) => {
      const component = componentOf(folder, one);
      const given: Record<string, Value> = {};
      for (const [key, tensor] of Object.entries(one.inputs))
        given[key] = fitted(key, await golden(tensor));
      const traced = trace(component.module, one, given);
      // A block's value is that of its last layer: each tensor is asked for once, under its last name.
      const nameOf = new Map(Object.entries(traced).map(([key, tensor]) => [tensor, key]));
      const asked = Object.fromEntries([...nameOf].map(([tensor, key]) => [key, tensor]));
      const options = { bind: bindTo(component) };
      await using program = await engine.compile(graphOf(asked), options);
      const ours = await program.run(given);
      for (const [key, tensor] of Object.entries({ ...one.inner, ...one.outputs })) {
        if (one.inner && key in one.inner && notModules.test(key)) continue;
        expect(traced, `${key} was not traced`).toHaveProperty([key]);
        const kind = key in one.outputs ? "output" : "inner";
        const { data } = ours[nameOf.get(traced[key]) ?? key];
        expectClose(key, data, (await golden(tensor)).data, { kind, within });
      }
    });
  });
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

function expectClose(
  key: string,
  ours: Values,
  theirs: Values,
  { kind, within }: { kind: "inner" | "output"; within: number },
): void {
  expect(ours.length, key).toBe(theirs.length);
  let worst = 0;
  let squares = 0;
  for (let i = 0; i < theirs.length; i += 1) {
    worst = Math.max(worst, Math.abs(Number(ours[i]) - Number(theirs[i])));
    squares += Number(theirs[i]) ** 2;
  }
  const size = kind === "inner" ? Math.max(1, Math.sqrt(squares / theirs.length)) : 1;
  expect(worst, `${key} differs by ${worst}`).toBeLessThan(within * size);
}

function readCases(root: string, name: string): Case[] {
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
