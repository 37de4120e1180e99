/** @file What a CLIP text encoder is made of, from and to transformers' `CLIPTextConfig`. */
import { ConfigReader, limits, refuse, type Report } from "../config-reader.ts";
import { harmlessTextFields } from "../harmless.ts";

/** A complete description of a CLIP text encoder. */
export interface ClipTextConfig {
  readonly vocabulary: number;
  readonly width: number;
  readonly innerWidth: number;
  readonly layers: number;
  readonly heads: number;
  readonly positions: number;
  readonly activation: "quick_gelu" | "gelu";
  readonly eps: number;
  /** Width of `text_projection`, which only the variant with projection has. */
  readonly projectionWidth: number;
  /** The token whose place is pooled; 2 stands for old files and means the place of the largest id. */
  readonly eosToken: number;
  readonly bosToken: number;
  readonly padToken: number;
  /** Scales the start of the weights. */
  readonly initFactor: number;
}

/** Fields of which limn supports one meaning. */
const fixedFields = { model_type: ["clip_text_model"] };

/** Checks and completes the JSON of a CLIP text encoder; throws a WeightError naming the field at fault or unknown. */
export function parseClipTextConfig(json: unknown, report: Report = refuse): ClipTextConfig {
  const read = new ConfigReader(json, "text encoder");
  read.fixed(fixedFields);
  const ids = { min: 0, max: limits.tokens };
  const config: ClipTextConfig = {
    vocabulary: read.count("vocab_size", 49408, { max: limits.tokens }),
    width: read.count("hidden_size", 512),
    innerWidth: read.count("intermediate_size", 2048),
    layers: read.count("num_hidden_layers", 12, { max: limits.layers }),
    heads: read.count("num_attention_heads", 8),
    positions: read.count("max_position_embeddings", 77),
    activation: read.oneOf("hidden_act", ["quick_gelu", "gelu"], "quick_gelu"),
    eps: read.number("layer_norm_eps", 1e-5, { min: 0, max: 1 }),
    projectionWidth: read.count("projection_dim", 512),
    eosToken: read.count("eos_token_id", 49407, ids),
    bosToken: read.count("bos_token_id", 49406, ids),
    padToken: read.countOrNull("pad_token_id", ids) ?? 1,
    initFactor: read.number("initializer_factor", 1, { min: 0 }),
  };
  read.divides("num_attention_heads", config.heads, config.width);
  read.finish(harmlessTextFields, report);
  return config;
}

/** The JSON that transformers reads as this text encoder. */
export function printClipTextConfig(
  config: ClipTextConfig,
  architecture: "CLIPTextModel" | "CLIPTextModelWithProjection",
): Record<string, unknown> {
  return {
    architectures: [architecture],
    attention_dropout: 0,
    bos_token_id: config.bosToken,
    eos_token_id: config.eosToken,
    hidden_act: config.activation,
    hidden_size: config.width,
    initializer_factor: config.initFactor,
    initializer_range: 0.02,
    intermediate_size: config.innerWidth,
    layer_norm_eps: config.eps,
    max_position_embeddings: config.positions,
    model_type: "clip_text_model",
    num_attention_heads: config.heads,
    num_hidden_layers: config.layers,
    pad_token_id: config.padToken,
    projection_dim: config.projectionWidth,
    vocab_size: config.vocabulary,
  };
}
