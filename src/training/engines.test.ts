/** @file Training on any engine: resuming, switching, and numbers that are none. */
import { readFile, readdir } from "node:fs/promises";
import { join } from "node:path";
import { performance } from "node:perf_hooks";
import { expect, test } from "vitest";
import { describeEngines, describeOpenVino } from "../../tests/reference/engines.ts";
import { writeSmallRecipe, type Parts } from "../../tests/reference/small-recipe.ts";
import { openSafetensors } from "../formats/index.ts";
import { ortEngine, type Engine, type Precision } from "../runtime/index.ts";
import { Journal } from "./run/journal.node.ts";
import { train, type TrainEvent, type TrainOptions } from "./train.node.ts";

const clock = () => performance.now() / 1000;

async function collect(
  events: AsyncIterable<TrainEvent>,
  enough: (event: TrainEvent) => boolean = () => false,
): Promise<TrainEvent[]> {
  const all: TrainEvent[] = [];
  for await (const event of events) {
    all.push(event);
    if (enough(event)) break;
  }
  return all;
}

const untilStep = (n: number) => (event: TrainEvent) => event.kind === "step" && event.step === n;

async function prepareRun(options: Omit<TrainOptions, "folder" | "clock">, parts: Parts = {}) {
  const { recipe, folder } = await writeSmallRecipe(parts);
  const all = (name: string) => ({ folder: join(folder, name), clock, threads: 1, ...options });
  return {
    only: (name: string) => join(folder, name, "only"),
    start: (name: string, other: Partial<TrainOptions> = {}) =>
      train(recipe, { ...all(name), ...other }),
  };
}

/** Skips a test, and says why, on a processor or an engine without the precision. */
function needPrecision(
  { name, precisions }: Engine,
  precision: Precision,
  skip: (why: string) => void,
): void {
  if (!precisions.includes(precision)) skip(`${name} computes no ${precision} here`);
}

describeEngines("training", ({ open }) => {
  test.for(["f32", "bf16"] as const)(
    "in %s a run that was left goes on to the same bits",
    async (precision, { skip }) => {
      const engine = await open();
      needPrecision(engine, precision, skip);
      const { start, only } = await prepareRun({ engine, precision });
      await collect(start("whole"));
      await collect(start("left"), untilStep(6));
      const [first] = await collect(start("left"));
      expect(first).toMatchObject({ kind: "stage", from: 6 });
      for (const name of await readdir(only("whole"))) {
        if (name === "checkpoint-15.safetensors" || name === "checkpoint-6.safetensors") continue;
        const [a, b] = await Promise.all(
          ["whole", "left"].map((run) => readFile(join(only(run), name)).catch(() => null)),
        );
        expect(b && a?.equals(b), name).toBe(true);
      }
    },
  );

  test("numbers that are none stop the run with the module", async () => {
    const options = { engine: await open() };
    const logarithm = `return this.outer.call(silu(this.inner.call(x)).log())`;
    const { start } = await prepareRun(options, { forward: logarithm });
    await expect(collect(start("run"))).rejects.toThrow(
      /^the loss is NaN at step 1 of only: first in the output of net \(Log\)$/,
    );
    const root = `return this.outer.call(this.inner.call(x).mul(0).sqrt())`;
    const { start: again } = await prepareRun(options, { forward: root });
    await expect(collect(again("run"))).rejects.toThrow(
      /^the norm of the gradients is (NaN|Infinity) at step 1 of only: first in the gradients of net \(/,
    );
  });
});

describeOpenVino("going on with another engine", ({ open }) => {
  test("is refused unless it is asked for", async () => {
    const { start, only } = await prepareRun({ engine: await ortEngine() });
    await collect(start("run"), untilStep(6));
    const engine = await open();
    const file = join(only("run"), "checkpoint-6.safetensors");
    await expect(collect(start("run", { engine }))).rejects.toMatchObject({
      message: `engine: ${file} was computed by ort f32, not by openvino f32`,
      hint: "--engine ort --precision f32 goes on to the same bits, --switch-engine goes on with openvino f32",
    });
    const events = await collect(start("run", { engine, otherEngine: "go on" }));
    expect(events[0]).toEqual({
      kind: "note",
      text: "going on with openvino f32 where ort f32 has left off",
    });
    const { metadata } = await openSafetensors(join(only("run"), "averaged.safetensors"));
    expect(metadata.get("computed-by")).toBe("openvino f32");
    // A stage that is finished is taken as it is.
    expect(await collect(start("run"))).toMatchObject([{ kind: "note" }]);
  });

  test.for([
    ["f32", 4],
    ["bf16", 1],
  ] as const)(
    "gives the same losses, in %s to %i digits",
    async ([precision, digits], { skip }) => {
      const engine = await open();
      needPrecision(engine, precision, skip);
      const { start, only } = await prepareRun({ engine: await ortEngine() });
      await collect(start("ort"));
      await collect(start("openvino", { engine, precision }));
      const losses = async (name: string) => (await Journal.open(only(name), 17)).losses();
      const [ours, theirs] = [await losses("openvino"), await losses("ort")];
      expect(ours.length).toBe(17);
      ours.forEach(({ loss }, i) => expect(loss / theirs[i].loss).toBeCloseTo(1, digits));
    },
  );
});
