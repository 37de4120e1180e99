/** @file The U itself: the stack of blocks down, across and up again that both kinds of UNet share. */
import type { Tensor } from "../../tensor/index.ts";
import type { ResnetBlockOptions, Size } from "../../nn/index.ts";
import { DownBlock, UpBlock, type MakeMixer, type MidBlock } from "../blocks.ts";

/** What one level needs to be built. */
export interface LevelPlan {
  readonly channels: number;
  readonly layers: number;
  readonly downMixer: MakeMixer;
  readonly upMixer: MakeMixer;
}

/** The blocks of the way down, finest level first; each but the last halves the size. */
export function downBlocksOf(
  levels: readonly LevelPlan[],
  options: { resnet: ResnetBlockOptions; padding: number },
): DownBlock[] {
  return levels.map(
    ({ channels, layers, downMixer }, i) =>
      new DownBlock(levels[Math.max(i - 1, 0)].channels, channels, {
        layers,
        resnet: options.resnet,
        mixer: downMixer,
        downsample: i === levels.length - 1 ? null : options.padding,
      }),
  );
}

/** The blocks of the way up, deepest level first; each has a residual block for every skip of its level. */
export function upBlocksOf(levels: readonly LevelPlan[], resnet: ResnetBlockOptions): UpBlock[] {
  return levels.toReversed().map(({ channels, layers, upMixer }, i, up) => {
    const finer = up[Math.min(i + 1, up.length - 1)].channels;
    const x = up[Math.max(i - 1, 0)].channels;
    const skips = [...Array<number>(layers).fill(channels), finer];
    const last = i === up.length - 1;
    const options = { resnet, mixer: upMixer, upsample: last ? "none" : "next-skip" } as const;
    return new UpBlock({ x, skips }, channels, options);
  });
}

/** Runs x down, through the middle and up; skips are used in reverse, each once. */
export function runBackbone(
  blocks: {
    readonly downBlocks: readonly DownBlock[];
    readonly midBlock: MidBlock | null;
    readonly upBlocks: readonly UpBlock[];
  },
  x: Tensor,
  { time, context }: { time: Tensor; context: Tensor | null },
): Tensor {
  const skips: Tensor[] = [x];
  for (const down of blocks.downBlocks) {
    const descent = down.call(x, time, context);
    skips.push(...descent.skips);
    x = descent.x;
  }
  x = blocks.midBlock?.call(x, time, context) ?? x;
  for (const up of blocks.upBlocks) {
    const own = skips.splice(-up.resnets.length).reverse();
    const next = skips.at(-1);
    const size = next && ([next.shape[2], next.shape[3]] as Size); // odd sizes do not double exactly
    x = up.call(x, own, { time, context, size });
  }
  return x;
}
