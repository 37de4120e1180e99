/** @file CLIP's text encoder: transformers' `CLIPTextModel` and `CLIPTextModelWithProjection` (Radford et al. 2021). */
import { ShapeError } from "../../base/index.ts";
import { Embedding, LayerNorm, Linear, Module } from "../../nn/index.ts";
import { constant, type Tensor } from "../../tensor/index.ts";
import type { ClipTextConfig } from "./config.ts";
import { ClipEncoderLayer } from "./encoder-layer.ts";

/** Everything that pipelines take from a text encoder. */
export interface ClipTextOutput {
  /** After the last layer and the final norm, [B,S,W]. */
  readonly lastHiddenState: Tensor;
  /** The final-normed state of the end token, [B,W]; with projection, projected, [B,P]. */
  readonly pooled: Tensor;
  /** The embeddings, then the state after each layer, before the final norm: [−2] is clip skip 2. */
  readonly hiddenStates: readonly Tensor[];
}

/** Token and position embeddings, summed. */
class ClipTextEmbeddings extends Module {
  readonly tokenEmbedding: Embedding;
  readonly positionEmbedding: Embedding;
  readonly #positions: number;

  constructor({ vocabulary, positions, width, initFactor }: ClipTextConfig) {
    super();
    const init = { kind: "normal", std: 0.02 * initFactor } as const;
    this.tokenEmbedding = new Embedding(vocabulary, width, init);
    this.positionEmbedding = new Embedding(positions, width, init);
    this.#positions = positions;
  }

  forward(ids: Tensor): Tensor {
    const length = ids.shape[1];
    if (length > this.#positions)
      throw new ShapeError(
        `the text encoder has ${this.#positions} positions, got ${length} tokens: encode in chunks`,
      );
    const places = BigInt64Array.from({ length }, (_, i) => BigInt(i));
    const positions = this.positionEmbedding.call(constant(places, [length], "i64"));
    return this.tokenEmbedding.call(ids).add(positions);
  }
}

/** The stack of layers. */
class ClipEncoder extends Module {
  readonly layers: readonly ClipEncoderLayer[];

  constructor(config: ClipTextConfig) {
    super();
    this.layers = Array.from({ length: config.layers }, () => new ClipEncoderLayer(config));
  }

  forward(x: Tensor): readonly Tensor[] {
    const states = [x];
    for (const layer of this.layers) states.push((x = layer.call(x)));
    return states;
  }
}

/** What both variants share: embeddings, layers, the final norm and pooling. */
class ClipTextTransformer extends Module {
  readonly embeddings: ClipTextEmbeddings;
  readonly encoder: ClipEncoder;
  readonly finalLayerNorm: LayerNorm;
  readonly #eosToken: number;

  constructor(config: ClipTextConfig) {
    super();
    this.embeddings = new ClipTextEmbeddings(config);
    this.encoder = new ClipEncoder(config);
    this.finalLayerNorm = new LayerNorm(config.width, { eps: config.eps });
    this.#eosToken = config.eosToken;
  }

  forward(ids: Tensor): ClipTextOutput {
    const hiddenStates = this.encoder.call(this.embeddings.call(ids));
    const lastHiddenState = this.finalLayerNorm.call(hiddenStates[hiddenStates.length - 1]);
    return { lastHiddenState, pooled: this.#atEnd(lastHiddenState, ids), hiddenStates };
  }

  /** The row at the first end token; files that say 2 were made before that id was right, and mean the largest id. */
  #atEnd(states: Tensor, ids: Tensor): Tensor {
    const marks = this.#eosToken === 2 ? ids : ids.equal(this.#eosToken);
    const [batch, , width] = states.shape as [number, number, number];
    const place = marks.cast("f32").argMax(1).unsqueeze(2); // [B,1,1]; ids are exact in f32
    return states.gatherElements(place.expand(batch, 1, width), 1).squeeze(1);
  }
}

/** Text ids i64 [B,S] → states of every layer and the pooled state. */
export class CLIPTextModel extends Module {
  readonly config: ClipTextConfig;
  readonly textModel: ClipTextTransformer;

  constructor(config: ClipTextConfig) {
    super();
    this.config = config;
    this.textModel = new ClipTextTransformer(config);
  }

  forward(ids: Tensor): ClipTextOutput {
    return this.textModel.call(ids);
  }
}

/** As `CLIPTextModel`, with the pooled state projected into the space that texts share with pictures. */
export class CLIPTextModelWithProjection extends Module {
  readonly config: ClipTextConfig;
  readonly textModel: ClipTextTransformer;
  readonly textProjection: Linear;

  constructor(config: ClipTextConfig) {
    super();
    const { width, projectionWidth, initFactor } = config;
    const init = { kind: "normal", std: width ** -0.5 * initFactor } as const;
    this.config = config;
    this.textModel = new ClipTextTransformer(config);
    this.textProjection = new Linear(width, projectionWidth, { bias: false, init });
  }

  forward(ids: Tensor): ClipTextOutput {
    const output = this.textModel.call(ids);
    return { ...output, pooled: this.textProjection.call(output.pooled) };
  }
}
