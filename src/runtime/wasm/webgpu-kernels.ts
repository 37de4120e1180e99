/** @file What onnxruntime-web's WebGPU wants otherwise than its CPU engine. */
import type { OnnxNode } from "../../formats/index.ts";
import type { Kernels } from "../lowering/lower.ts";
import { ortKernels } from "../lowering/ort-kernels.ts";

export const webgpuKernels: Kernels = {
  ...ortKernels,

  // 1.30 computes wrong numbers, and says nothing, where the channels are 6, 9, 15 … and become a multiple of 4, the
  // first convolution of inpainting UNets among them. Channels of zeros change no result.
  Conv: (e, [x, weight, bias], { attrs, inputs: [, kernel] }) => {
    const [out, channels] = kernel?.shape ?? [];
    const wrong = channels % 3 === 0 && channels > 3 && channels % 4 !== 0 && out % 4 === 0;
    if (attrs.group !== 1 || !wrong) return null;
    const rank = kernel?.rank ?? 0; // that of x, too
    const pads = Array<number>(2 * rank).fill(0);
    pads[rank + 1] = 4 - (channels % 4);
    const [wider, deeper] = [x, weight].map((name) =>
      e.emit("Pad", [name, e.ints(pads), e.float(0)]),
    );
    const { strides, dilations, group, pads: around } = attrs;
    return e.emit("Conv", bias ? [wider, deeper, bias] : [wider, deeper], {
      attributes: { strides, pads: around, dilations, group },
    });
  },
};

/** WGSL promises sine and cosine to 2⁻¹¹ within ±π and nothing beyond; timesteps go up to 999. */
const impreciseOps = new Set(["Sin", "Cos"]);

/** The provider's options: which nodes are computed on the CPU for the sake of their numbers. */
export function webgpuOptions(nodes: readonly OnnxNode[]): { forceCpuNodeNames?: string[] } {
  const names = nodes.flatMap(({ op, name }) => (impreciseOps.has(op) && name ? [name] : []));
  return names.length > 0 ? { forceCpuNodeNames: names } : {}; // an empty list is an error there
}
