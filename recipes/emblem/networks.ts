/** @file The emblem model's networks: Stable Diffusion in miniature, 16×16×8 latents of 128-pixel pictures. */
import {
  AutoencoderKL,
  CLIPTextModel,
  parseClipTextConfig,
  parseUnetConfig,
  parseVaeConfig,
  UNet2DConditionModel,
} from "limn/models";

/** Tokens of a caption, start and end included. */
export const tokens = 24;
/** Entries of the tokenizer; the last two are start and end. */
export const vocabulary = 3000;
/** Shape of one picture's latents. */
export const latentShape = [8, 16, 16] as const;

export const vaeConfig = parseVaeConfig({
  _class_name: "AutoencoderKL",
  sample_size: 128,
  latent_channels: 8,
  block_out_channels: [16, 32, 64, 128],
  down_block_types: Array(4).fill("DownEncoderBlock2D"),
  up_block_types: Array(4).fill("UpDecoderBlock2D"),
  layers_per_block: 1,
  norm_num_groups: 8,
  mid_block_add_attention: false,
  scaling_factor: 1,
});

export const textConfig = parseClipTextConfig({
  model_type: "clip_text_model",
  vocab_size: vocabulary,
  hidden_size: 192,
  intermediate_size: 768,
  num_hidden_layers: 3,
  num_attention_heads: 6,
  max_position_embeddings: tokens,
  hidden_act: "gelu",
  projection_dim: 192,
  bos_token_id: vocabulary - 2,
  eos_token_id: vocabulary - 1,
  pad_token_id: vocabulary - 1,
});

export const unetConfig = parseUnetConfig({
  _class_name: "UNet2DConditionModel",
  sample_size: 16,
  in_channels: 8,
  out_channels: 8,
  block_out_channels: [64, 128, 192],
  down_block_types: ["DownBlock2D", "DownBlock2D", "CrossAttnDownBlock2D"],
  mid_block_type: "UNetMidBlock2DCrossAttn",
  up_block_types: ["CrossAttnUpBlock2D", "UpBlock2D", "UpBlock2D"],
  layers_per_block: 1,
  attention_head_dim: 4,
  norm_num_groups: 16,
  cross_attention_dim: 192,
  resnet_time_scale_shift: "scale_shift",
  time_embedding_dim: 512,
  addition_embed_type: "text",
  addition_embed_type_num_heads: 6,
});

export const autoencoder = () => new AutoencoderKL(vaeConfig);
export const textEncoder = () => new CLIPTextModel(textConfig);
export const unet = () => new UNet2DConditionModel(unetConfig);
