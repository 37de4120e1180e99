/** @file OpenVINO's own counters, which bench/profile.ts shows. */
import { expect, test } from "vitest";
import { describeOpenVino } from "../../../tests/reference/engines.ts";
import { graphOf, input } from "../../tensor/index.ts";
import { value } from "../index.ts";
import { lowerGraph } from "../lowering/model.ts";
import { openVinoApi, type OpenVinoApi } from "./api.node.ts";
import { openVinoKernels } from "./kernels.ts";
import { locateOpenVino } from "./library.node.ts";

describeOpenVino("a run", () => {
  test("is told layer by layer, in no more time than it took", async () => {
    const x = input("x", [256, 256]);
    const { bytes } = lowerGraph(graphOf({ y: x.matmul(x) }), {
      bind: () => ({ kind: "input" }),
      ...{ kernels: openVinoKernels, locate: (file: string) => file },
    });
    const place = locateOpenVino();
    expect(place).not.toBeNull();
    const api: OpenVinoApi = openVinoApi(place as NonNullable<typeof place>);
    const model = await api.readModel(bytes);
    const compiled = await api.compile(model, { PERF_COUNT: "YES", INFERENCE_NUM_THREADS: "1" });
    api.releaseModel(model);
    const [a, y] = [1, 0].map((n) => value(new Float32Array(256 * 256).fill(n), [256, 256]));
    api.place(compiled, ["input", 0], a);
    api.place(compiled, ["output", 0], y);
    const begin = performance.now();
    await api.infer(compiled, [a, y]);
    const wall = performance.now() - begin;
    expect(y.data[0]).toBe(256);
    const times = api.layerTimes(compiled);
    api.release(compiled);
    const products = times.filter(({ kind }) => /MatMul|FullyConnected/.test(kind));
    expect(products).toEqual([expect.objectContaining({ kernel: expect.any(String) as string })]);
    expect(products[0].milliseconds).toBeGreaterThan(0);
    expect(times.reduce((sum, { milliseconds }) => sum + milliseconds, 0)).toBeLessThan(wall + 1);
  });
});
