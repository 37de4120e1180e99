/** @file Configs: what is refused, what is reported, and UNets that the published models do not cover. */
import { expect, test } from "vitest";
import { sizeOf } from "../base/index.ts";
import { parametersOf, place } from "../nn/index.ts";
import { graphOf, input, verify } from "../tensor/index.ts";
import {
  AutoencoderKL,
  CLIPTextModel,
  parseClipTextConfig,
  parseUnconditionalUnetConfig,
  parseUnetConfig,
  parseVaeConfig,
  printUnconditionalUnetConfig,
  printUnetConfig,
  UNet2DConditionModel,
  UNet2DModel,
} from "./index.ts";

const unet = (fields: object) =>
  parseUnetConfig({ _class_name: "UNet2DConditionModel", ...fields });

test.each([
  [{ class_embed_type: "timestep" }, 'class_embed_type = "timestep", only null'],
  [{ encoder_hid_dim_type: "image_proj" }, 'encoder_hid_dim_type = "image_proj", only null'],
  [{ time_cond_proj_dim: 256 }, "time_cond_proj_dim = 256, only null"],
  [{ resnet_skip_time_act: true }, "resnet_skip_time_act = true, only false"],
  [{ mid_block_type: "UNetMidBlock2DSimpleCrossAttn" }, 'mid_block_type is "UNetMidBlock2DSimple'],
  [{ addition_embed_type: "image" }, 'addition_embed_type is "image"'],
  [{ addition_embed_type: "text_time" }, "needs addition_time_embed_dim"],
  [{ addition_embed_type: "text", cross_attention_dim: 100 }, "64 does not divide 100"],
  [{ cross_attention_dim: [1, 2] }, "cross_attention_dim has 2 entries, but there are 4 levels"],
  [{ only_cross_attention: "yes" }, 'only_cross_attention must be true or false, got "yes"'],
  [{ norm_eps: "1e-5" }, 'norm_eps must be a number from 0 to 1, got "1e-5"'],
  [{ sample_size: [64, 64, 64] }, "sample_size must be a size or a pair"],
  [{ in_channels: null }, "in_channels must be a whole number from 1 to 65536, got null"],
])("a UNet with %j is refused", (fields, words) => {
  expect(() => unet(fields)).toThrow(words);
});

test("configs that are no objects, and other classes, are refused by name", () => {
  expect(() => parseVaeConfig([])).toThrow("vae: the config must be a JSON object, got []");
  expect(() => parseVaeConfig({ _class_name: "VQModel" })).toThrow(
    '"AutoencoderKL", got "VQModel"',
  );
  expect(() => parseVaeConfig({ _class_name: "AutoencoderKL", latents_mean: [1] })).toThrow(
    "latents_mean",
  );
  expect(() => parseClipTextConfig({ model_type: "t5" })).toThrow('model_type = "t5"');
  expect(() =>
    parseUnconditionalUnetConfig({ _class_name: "UNet2DModel", time_embedding_type: "fourier" }),
  ).toThrow("time_embedding_type");
});

test("unknown fields are refused or reported, harmless ones and those that ask for nothing are not", () => {
  const harmless = { _name_or_path: "x", _of_tomorrow: 1, dropout: 0.1 };
  const nothing = { a: null, b: false, c: [], d: {}, e: "" };
  expect(() => unet({ ...harmless, ...nothing })).not.toThrow();
  expect(() => unet({ ...harmless, zct_fn: "silu" })).toThrow("may change the result: zct_fn");
  for (const value of [0, 1, true, "x", [0], { x: 0 }])
    expect(() => unet({ warp: value })).toThrow("unet: the config has a field that limn does not");
  const text = { vocab_size: 100, pad_to_multiple: 8 };
  expect(() => parseClipTextConfig(text)).toThrow("text encoder: the config has a field");
  expect(() => parseVaeConfig({ _class_name: "AutoencoderKL", tile: 9 })).toThrow("result: tile");
  const ddpm = { _class_name: "UNet2DModel", "fourier\u001b": 9 };
  expect(() => parseUnconditionalUnetConfig(ddpm)).toThrow('result: "fourier\\u001b"');
  const remarks: string[] = [];
  const json = { _class_name: "UNet2DConditionModel", ...harmless, warp: 9, weft: 0 };
  parseUnetConfig(json, (remark) => remarks.push(remark));
  expect(remarks).toEqual([expect.stringContaining("2 fields that limn does not know")]);
  expect(remarks[0]).toContain("warp, weft");
});

test("all that transformers writes of a text encoder is known", () => {
  // CLIPTextConfig().to_dict() of transformers 4.57.6, but for what is null, false or empty.
  const own = { vocab_size: 49408, hidden_size: 512, intermediate_size: 2048, projection_dim: 512 };
  const labels = { id2label: { 0: "LABEL_0" }, label2id: { LABEL_0: 0 }, return_dict: true };
  const generation = {
    ...{ max_length: 20, min_length: 0, num_beams: 1, num_beam_groups: 1, temperature: 1 },
    ...{ top_k: 50, top_p: 1, typical_p: 1, repetition_penalty: 1, length_penalty: 1 },
    ...{ no_repeat_ngram_size: 0, encoder_no_repeat_ngram_size: 0, num_return_sequences: 1 },
    ...{ diversity_penalty: 0, chunk_size_feed_forward: 0, tie_word_embeddings: true },
  };
  const notes = { transformers_version: "4.57.6", model_type: "clip_text_model" };
  const json = { ...own, ...labels, ...generation, ...notes, attention_dropout: 0 };
  expect(() => parseClipTextConfig(json)).not.toThrow();
});

test("sample sizes below 64 in files of diffusers before 0.9 mean 64", () => {
  expect(unet({ sample_size: 32, _diffusers_version: "0.6.0" }).sampleSize).toEqual([64, 64]);
  expect(unet({ sample_size: 32, _diffusers_version: "0.11.0" }).sampleSize).toEqual([32, 32]);
  expect(unet({ sample_size: [32, 48] }).sampleSize).toEqual([32, 48]);
  expect(unet({}).sampleSize).toBe(null);
});

/** The UNet of the embedded model's recipe: text pooled inside, scale and shift, one level with text. */
const emblem = {
  sample_size: 16,
  in_channels: 8,
  out_channels: 8,
  block_out_channels: [64, 128, 192],
  layers_per_block: 1,
  down_block_types: ["DownBlock2D", "DownBlock2D", "CrossAttnDownBlock2D"],
  up_block_types: ["CrossAttnUpBlock2D", "UpBlock2D", "UpBlock2D"],
  attention_head_dim: 4,
  norm_num_groups: 16,
  cross_attention_dim: 192,
  resnet_time_scale_shift: "scale_shift",
  addition_embed_type: "text",
  addition_embed_type_num_heads: 6,
  time_embedding_dim: 512,
};

test("a UNet that pools the text itself has diffusers' names, and prints as it was read", () => {
  const config = unet(emblem);
  const module = place(new UNet2DConditionModel(config));
  const shapes = new Map(parametersOf(module).map((p) => [p.path, p.shape.join("x")]));
  const expected = {
    "add_embedding.norm1.weight": "192",
    "add_embedding.pool.positional_embedding": "1x192",
    "add_embedding.pool.q_proj.weight": "192x192",
    "add_embedding.proj.weight": "512x192",
    "add_embedding.norm2.bias": "512",
    "down_blocks.0.resnets.0.time_emb_proj.weight": "128x512",
    "mid_block.attentions.0.transformer_blocks.0.attn2.to_k.weight": "192x192",
    "up_blocks.0.attentions.1.proj_in.weight": "192x192x1x1",
  };
  for (const [name, shape] of Object.entries(expected)) expect(shapes.get(name), name).toBe(shape);
  const count = parametersOf(module).reduce((sum, p) => sum + sizeOf(p.shape), 0);
  expect(Math.round((2 * count) / 2 ** 20)).toBe(22); // MiB in f16, as the study of the recipe found
  expect(unet(printUnetConfig(config))).toEqual(config);
  const y = module.call(input("x", [2, 8, 16, 16]), input("t", [2]), input("text", [2, 24, 192]));
  expect(y.shape).toEqual([2, 8, 16, 16]);
  verify(graphOf({ y }));
});

test("a UNet without a middle, and one with classes and centred input, trace to the input's size", () => {
  const small = { ...emblem, addition_embed_type: null, mid_block_type: null };
  const plain = place(new UNet2DConditionModel(unet({ ...small, num_class_embeds: 10 })));
  expect(parametersOf(plain).some((p) => p.path.startsWith("mid_block"))).toBe(false);
  const at = [input("x", [1, 8, 9, 11]), input("t", [1]), input("text", [1, 24, 192])] as const;
  expect(() => plain.call(...at)).toThrow("needs classLabels beside the time step");
  const classLabels = input("class", [1], "i64");
  expect(plain.call(...at, { classLabels }).shape).toEqual([1, 8, 9, 11]);

  const json = { _class_name: "UNet2DModel", block_out_channels: [32, 64], num_class_embeds: 3 };
  const blocks = {
    down_block_types: ["DownBlock2D", "AttnDownBlock2D"],
    up_block_types: ["AttnUpBlock2D", "UpBlock2D"],
  };
  const config = parseUnconditionalUnetConfig({
    ...json,
    ...blocks,
    center_input_sample: true,
    resnet_time_scale_shift: "scale_shift",
  });
  expect(parseUnconditionalUnetConfig(printUnconditionalUnetConfig(config))).toEqual(config);
  const ddpm = place(new UNet2DModel(config));
  const names = parametersOf(ddpm).map((p) => p.path);
  expect(names).toContain("down_blocks.1.attentions.0.group_norm.weight");
  expect(names).not.toContain("mid_block.attentions.0.group_norm.weight"); // diffusers drops it under scale_shift
  expect(ddpm.call(input("x", [1, 3, 8, 8]), input("t", [1]), classLabels).shape).toEqual([
    1, 3, 8, 8,
  ]);
});

test("autoencoders may lack attention in the middle and the 1×1 convolutions around latents", () => {
  const json = { _class_name: "AutoencoderKL", block_out_channels: [32, 64], norm_num_groups: 8 };
  const blocks = {
    down_block_types: ["DownEncoderBlock2D", "DownEncoderBlock2D"],
    up_block_types: ["UpDecoderBlock2D", "UpDecoderBlock2D"],
  };
  const bare = {
    mid_block_add_attention: false,
    use_quant_conv: false,
    use_post_quant_conv: false,
  };
  const vae = place(new AutoencoderKL(parseVaeConfig({ ...json, ...blocks, ...bare })));
  const names = parametersOf(vae).map((p) => p.path);
  expect(names.filter((name) => /attentions|quant/.test(name))).toEqual([]);
  const { mean, logvar } = vae.encode(input("picture", [1, 3, 16, 24]));
  expect([mean.shape, logvar.shape]).toEqual([
    [1, 4, 8, 12],
    [1, 4, 8, 12],
  ]);
  expect(vae.decode(mean).shape).toEqual([1, 3, 16, 24]);
});

test("CLIP starts as transformers starts it and says how long a text may be", () => {
  const config = parseClipTextConfig({
    hidden_size: 64,
    num_attention_heads: 4,
    num_hidden_layers: 2,
    intermediate_size: 128,
  });
  const module = place(new CLIPTextModel(config));
  const init = new Map(parametersOf(module).map((p) => [p.path, p.init]));
  const layer = "text_model.encoder.layers.0";
  const std = (name: string) => (init.get(name) as { std: number }).std;
  expect(std("text_model.embeddings.token_embedding.weight")).toBe(0.02);
  expect(std(`${layer}.self_attn.q_proj.weight`)).toBeCloseTo(1 / 8 / 2);
  expect(std(`${layer}.self_attn.out_proj.weight`)).toBeCloseTo(1 / 8);
  expect(std(`${layer}.mlp.fc1.weight`)).toBeCloseTo(128 ** -0.5);
  expect(std(`${layer}.mlp.fc2.weight`)).toBeCloseTo(1 / 8 / 2);
  expect(init.get(`${layer}.mlp.fc2.bias`)).toEqual({ kind: "constant", value: 0 });
  expect(() => module.call(input("ids", [1, 78], "i64"))).toThrow(
    "has 77 positions, got 78 tokens",
  );
});

test("a small file cannot ask for a network that takes minutes to build", () => {
  const many = <T>(entry: T) => Array<T>(16).fill(entry);
  const endless = {
    block_out_channels: many(64),
    layers_per_block: 128,
    transformer_layers_per_block: 128,
    down_block_types: many("CrossAttnDownBlock2D"),
    up_block_types: many("CrossAttnUpBlock2D"),
  };
  expect(() => unet(endless)).toThrow("asks for 530448 blocks, more than the 2048");
  const wide = { block_out_channels: many(65536), layers_per_block: 1 };
  const types = { down_block_types: many("DownBlock2D"), up_block_types: many("UpBlock2D") };
  expect(() => unet({ ...wide, ...types })).toThrow("asks for about 3711 billion parameters");
  const ddpm = { _class_name: "UNet2DModel", ...types, block_out_channels: many(64) };
  expect(() => parseUnconditionalUnetConfig({ ...ddpm, layers_per_block: 128 })).toThrow("blocks");
  const vae = {
    _class_name: "AutoencoderKL",
    block_out_channels: many(64),
    down_block_types: many("DownEncoderBlock2D"),
    up_block_types: many("UpDecoderBlock2D"),
  };
  expect(() => parseVaeConfig({ ...vae, layers_per_block: 128 })).toThrow("blocks");
});

test("heads and groups of attention must divide only where there is attention", () => {
  const json = {
    _class_name: "UNet2DModel",
    block_out_channels: [36, 64],
    norm_num_groups: 4,
    attention_head_dim: 8,
    down_block_types: ["DownBlock2D", "AttnDownBlock2D"],
    up_block_types: ["AttnUpBlock2D", "UpBlock2D"],
  };
  const of = (fields: object) => parseUnconditionalUnetConfig({ ...json, ...fields });
  expect(of({}).headWidth).toBe(8);
  expect(() => of({ up_block_types: ["AttnUpBlock2D", "AttnUpBlock2D"] })).toThrow(
    "attention_head_dim 8 does not divide 36",
  );
  expect(of({ attn_norm_num_groups: 16 }).midAttentionGroups).toBe(16);
  expect(() => of({ attn_norm_num_groups: 7 })).toThrow(
    "attn_norm_num_groups 7 does not divide 64",
  );
  expect(of({ attn_norm_num_groups: 7, add_attention: false }).midAttention).toBe(false);
});

test("even kernels are padded as diffusers pads them, one less than half", () => {
  const small = { ...emblem, conv_in_kernel: 4, conv_out_kernel: 2 };
  const { convIn, convOut } = new UNet2DConditionModel(unet(small));
  const channels = convOut.weight.shape[1];
  expect(convIn.call(input("x", [1, 8, 16, 16])).shape.slice(2)).toEqual([15, 15]);
  expect(convOut.call(input("y", [1, channels, 16, 16])).shape.slice(2)).toEqual([15, 15]);
});
