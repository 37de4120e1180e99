/** @file Pictures to latents and back: diffusers' `AutoencoderKL` (Kingma & Welling 2014; Rombach et al. 2022). */
import { Conv2d, Module } from "../../nn/index.ts";
import type { Tensor } from "../../tensor/index.ts";
import type { VaeConfig } from "./config.ts";
import { Decoder } from "./decoder.ts";
import { Encoder } from "./encoder.ts";

/** The distribution of a picture's latents: independent normals. */
export interface LatentDistribution {
  readonly mean: Tensor;
  /** Logarithm of the variance, within [−30, 20]. */
  readonly logvar: Tensor;
}

/** Encodes pictures in [−1, 1] to a distribution of latents, and decodes latents; scaling is the caller's. */
export class AutoencoderKL extends Module {
  readonly config: VaeConfig;
  readonly encoder: Encoder;
  readonly decoder: Decoder;
  readonly quantConv: Conv2d | null;
  readonly postQuantConv: Conv2d | null;

  constructor(config: VaeConfig) {
    super();
    const { latentChannels: n } = config;
    this.config = config;
    this.encoder = new Encoder(config);
    this.decoder = new Decoder(config);
    this.quantConv = config.quantConv ? new Conv2d(2 * n, 2 * n, { kernel: 1 }) : null;
    this.postQuantConv = config.postQuantConv ? new Conv2d(n, n, { kernel: 1 }) : null;
  }

  /** Picture [B,3,H,W] → mean and log-variance of its latents, each [B,C,H/f,W/f]. */
  encode(picture: Tensor): LatentDistribution {
    const h = this.encoder.call(picture);
    const moments = this.quantConv?.call(h) ?? h;
    const n = this.config.latentChannels;
    const [mean, logvar] = moments.split(1, [n, n]);
    return { mean, logvar: logvar.max(-30).min(20) };
  }

  /** Latents as the encoder gives them (unscaled) → picture, about [−1, 1] and not clipped. */
  decode(latents: Tensor): Tensor {
    return this.decoder.call(this.postQuantConv?.call(latents) ?? latents);
  }

  /** A picture there and back by the mean of its latents. */
  forward(picture: Tensor): Tensor {
    return this.decode(this.encode(picture).mean);
  }
}
