/** @file The generator's protocol over a channel within one thread: order, cancelling, failing, closing. */
import { copyFile, cp, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { MessageChannel } from "node:worker_threads";
import { afterEach, expect, onTestFinished, test } from "vitest";
import { RequestError, WeightError } from "../base/index.ts";
import { writeSafetensors } from "../formats/index.ts";
import { portOf } from "../../tests/reference/message-port.ts";
import { serveGenerator } from "./generator-loop.ts";
import { Generator } from "./generator.ts";
import type { GenerateRequest, GeneratorEvent } from "./protocol.ts";

const request: GenerateRequest = {
  folder: "tests/goldens/models/sd1",
  prompts: ["a cat"],
  negative: null,
  steps: 3,
  guidance: null,
  guidanceRescale: 0,
  seed: 1,
  count: 1,
  batch: 1,
  width: 32,
  height: 32,
  sampler: "Euler",
  schedule: null,
  rng: "torch",
  eta: null,
  clipSkip: null,
  latents: null,
  keepLatents: false,
  threads: 1,
  engine: "ort",
  precision: "f32",
  mode: "lean",
};

const open: Generator[] = [];
function startHere(): Generator {
  const { port1, port2 } = new MessageChannel();
  serveGenerator(portOf(port2));
  const ended = new Promise<void>((resolve) => port1.once("close", resolve));
  const generator = new Generator(portOf(port1), ended);
  open.push(generator);
  return generator;
}
afterEach(async () => {
  for (const generator of open.splice(0)) await generator[Symbol.asyncDispose]();
});

/** Events of a job as short words. */
function recorder() {
  const words: string[] = [];
  const onEvent = (event: GeneratorEvent) => {
    if (event.type === "step") words.push(`${event.from}:${event.step}/${event.steps}`);
    else
      words.push(event.type === "picture" ? `picture ${event.index} of ${event.seed}` : event.type);
  };
  return { words, onEvent };
}

test("[G2] [G3] [G4] tells what happens in order, batch by batch", async () => {
  const { words, onEvent } = recorder();
  const ending = await startHere().generate(
    { ...request, count: 3, batch: 2, seed: 5 },
    { onEvent },
  );
  expect(words).toEqual([
    "started",
    ...["0:1/3", "0:2/3", "0:3/3", "picture 0 of 5", "picture 1 of 6"],
    ...["2:1/3", "2:2/3", "2:3/3", "picture 2 of 7"],
    "done",
  ]);
  if (ending.type !== "done") throw new Error("not done");
  expect(ending.timings.steps).toHaveLength(6);
  expect(ending.latents).toEqual([]);
});

test("[G1] [G5] jobs wait for each other, and one is cancelled alone", async () => {
  const generator = startHere();
  const first = recorder();
  const second = recorder();
  const controller = new AbortController();
  const one = generator.generate(
    { ...request, steps: 200 },
    {
      signal: controller.signal,
      onEvent(event) {
        first.onEvent(event);
        if (event.type === "step" && event.step === 2) controller.abort();
      },
    },
  );
  const other = generator.generate(request, second);
  expect((await one).type).toBe("cancelled");
  expect(first.words.length).toBeLessThan(20);
  expect(first.words.at(-1)).toBe("cancelled");
  expect((await other).type).toBe("done");
});

test("[G5] a job cancelled before its turn never starts", async () => {
  const { words, onEvent } = recorder();
  const ending = await startHere().generate(request, { signal: AbortSignal.abort(), onEvent });
  expect([ending.type, words]).toEqual(["cancelled", ["cancelled"]]);
});

test("[G12] a text that no picture can carry is refused before anything is drawn", async () => {
  const { words, onEvent } = recorder();
  const generator = startHere();
  await expect(
    generator.generate({ ...request, prompts: ["a cat", "a\0"] }, { onEvent }),
  ).rejects.toThrow('prompt: "a\\u0000" holds a NUL');
  expect(words).not.toContain("started");
});

test("[G6] failures arrive as they were thrown, and the next job is unharmed", async () => {
  const generator = startHere();
  const failure = generator.generate({ ...request, sampler: "Eular" });
  await expect(failure).rejects.toBeInstanceOf(RequestError);
  await expect(failure).rejects.toMatchObject({ field: "sampler", hint: "did you mean Euler?" });
  const other = generator.generate({ ...request, folder: "tests/goldens/models/sd1/unet" });
  await expect(other).rejects.toThrow("model_index.json");
  expect((await generator.generate(request)).type).toBe("done");
});

test("noise that cannot be these pictures' is refused", async () => {
  const folder = await mkdtemp(join(tmpdir(), "limn-noise-"));
  onTestFinished(() => rm(folder, { recursive: true }));
  const generator = startHere();
  const failureOf = async (shape: readonly number[], first = 0) => {
    const latents = join(folder, "noise.safetensors");
    const data = new Float32Array(shape.reduce((a, b) => a * b, 1));
    data[0] = first;
    await writeSafetensors(latents, [{ name: "noise", dtype: "f32", shape, data }]);
    return generator.generate({ ...request, latents }).catch((error: unknown) => error);
  };
  expect(await failureOf([2, 4, 8, 8])).toMatchObject({
    message: "latents: holds noise for 2 pictures, but 1 are to be drawn",
  });
  expect(await failureOf([4, 8, 8])).toMatchObject({
    message: "latents: must be [pictures,channels,height,width], got [4,8,8]",
  });
  expect(await failureOf([])).toMatchObject({ field: "latents" });
  expect(await failureOf([1, 4, 8, 8], NaN)).toMatchObject({
    message: "latents: must be finite, but number 0 is NaN",
  });
  expect(await failureOf([1, 4, 8, 8])).toMatchObject({ type: "done" });
});

const ddpm = { ...request, folder: "tests/goldens/models/ddpm", prompts: [""] };
const wordless = { ...ddpm, width: null, height: null, steps: 1 };
test.each<[field: string, asked: Partial<GenerateRequest>]>([
  ["prompt", { prompts: ["", "a cat"] }],
  ["negative", { negative: "dogs" }],
  ["guidance", { guidance: 7.5 }],
  ["guidance-rescale", { guidanceRescale: 0.7 }],
  ["clip-skip", { clipSkip: 2 }],
  ["width", { width: 32 }],
  ["height", { height: 32 }],
])("a model that knows no words refuses %s", async (field, asked) => {
  const { words, onEvent } = recorder();
  const drawing = startHere().generate({ ...wordless, ...asked }, { onEvent });
  await expect(drawing).rejects.toMatchObject({ field });
  expect(words).toEqual(["failed"]);
});

test("a model that knows no words takes what says nothing", async () => {
  const nothing = { negative: "", guidance: 1, clipSkip: 1, width: 16, height: 16 };
  const ending = await startHere().generate({ ...wordless, ...nothing });
  expect(ending.type).toBe("done");
});

test.each<[what: string, asked: Partial<GenerateRequest>, message: string]>([
  ["more pictures than memory", { count: 5e9 }, "count: must be a whole number from 1 to 1000000"],
  ["seeds beyond whole numbers", { seed: 2 ** 53 - 2, count: 3 }, "seed: must be a whole number"],
  ["no pictures at once", { batch: 0 }, "batch: must be a whole number from 1"],
  ["η above 1", { sampler: "DDIM", eta: 1.5 }, "eta: must be a number from 0 to 1, got 1.5"],
  ["η where there is none", { eta: 0.5 }, "eta: is DDIM's alone"],
  ["guidance without measure", { guidance: 1e9 }, "guidance: must be a number from 0 to 1000"],
  ["rescaling above 1", { guidanceRescale: 2 }, "guidance-rescale: must be a number from 0 to 1"],
])("%s is refused before the first step", async (_, asked, message) => {
  const { words, onEvent } = recorder();
  const drawing = startHere().generate({ ...request, ...asked }, { onEvent });
  await expect(drawing).rejects.toThrow(message);
  expect(words).toEqual(["failed"]);
});

test("words beyond what the model reads are told, and only those", async () => {
  const notesOf = async (prompts: string[], negative: string | null = null) => {
    const notes: string[] = [];
    const onEvent = (event: GeneratorEvent) =>
      void (event.type === "started" && notes.push(...event.notes));
    const own = { width: 64, height: 64 }; // the model's own size: another one is noted too
    await startHere().generate({ ...request, ...own, prompts, negative, steps: 1 }, { onEvent });
    return notes;
  };
  // Every "a" is one token; start and end take two of the 77.
  const full = Array<string>(75).fill("a").join(" ");
  expect(await notesOf([full], full)).toEqual([]);
  expect(await notesOf([`${full} red apple`])).toEqual([
    'only 77 tokens are read; left out: "red apple"',
  ]);
  expect(await notesOf(["a", `${full} red apple`], `${full} dogs`)).toEqual([
    'only 77 tokens are read; left out: "red apple"',
    'only 77 tokens are read; left out: "dogs"',
  ]);
});

test("config fields that limn does not know are told with the picture", async () => {
  const folder = await mkdtemp(join(tmpdir(), "limn-unknown-"));
  onTestFinished(() => rm(folder, { recursive: true }));
  await cp("tests/goldens/models/sd1", folder, { recursive: true });
  const odd = "tests/goldens/formats/hostile/configs/unet-field-unknown.json";
  await copyFile(odd, join(folder, "unet/config.json"));
  const notes: string[] = [];
  const onEvent = (event: GeneratorEvent) =>
    void (event.type === "started" && notes.push(...event.notes));
  const ending = await startHere().generate({ ...request, folder, steps: 1 }, { onEvent });
  expect(ending.type).toBe("done");
  expect(notes.join("\n")).toMatch(/unet.config\.json: .*brand_new_option/);
});

test("[G12] what there is no memory for is refused before its cost is told", async () => {
  const { words, onEvent } = recorder();
  const asked = { ...request, width: 32_768, height: 32_768 };
  await expect(startHere().generate(asked, { onEvent })).rejects.toThrow(
    /needs about .* of memory, but only/,
  );
  expect(words).toEqual(["failed"]);
});

test("[G12] a size far from the model's own is noted, and what it costs", async () => {
  const notes: string[] = [];
  const onEvent = (event: GeneratorEvent) =>
    void (event.type === "started" && notes.push(...event.notes));
  for (const [width, height] of [
    [32, 64],
    [128, 256],
  ])
    await startHere().generate({ ...request, width, height, steps: 1 }, { onEvent });
  const [small, large] = notes;
  expect(small).toBe("sd1 was made for 64×64; at 32×64 it may not draw what was asked");
  const sentence =
    /^sd1 was made for 64×64; at 128×256 it may not draw what was asked, and takes about ([\d.]+) times as long and [\d.]+ MB of memory$/;
  const times = Number(sentence.exec(large)?.[1]);
  // Eight times the pixels, and attention goes with their square.
  expect(times).toBeGreaterThan(8);
  expect(times).toBeLessThan(64);
  expect(notes).toHaveLength(2);
});

test("a name that is refused is not proposed", async () => {
  const drawing = startHere().generate({ ...request, sampler: "DDIM", schedule: "karras" });
  await expect(drawing).rejects.toMatchObject({
    message: 'schedule: DDIMScheduler has no schedule "Karras"',
    hint: undefined,
  });
});

test("[G7] closing cancels what runs", async () => {
  const generator = startHere();
  const running = generator.generate({ ...request, steps: 500 });
  await generator[Symbol.asyncDispose]();
  expect((await running).type).toBe("cancelled");
});

test("[G8] a side that dies fails its jobs, and every job after its death", async () => {
  const { port1 } = new MessageChannel();
  const closed = new Promise<void>((resolve) => port1.once("close", resolve));
  let die = (_: Error) => {};
  const died = new Promise<void>((_, reject) => (die = reject));
  const generator = new Generator(portOf(port1), died);
  const running = generator.generate(request);
  die(new WeightError("boom"));
  const message = "the generator broke: WeightError: boom";
  await expect(running).rejects.toThrow(message);
  await expect(generator.generate(request)).rejects.toThrow(message);
  await closed; // the channel is given back as well
  await generator[Symbol.asyncDispose]();
});

test("[G8] a job for a thread that ended unasked is refused at once", async () => {
  const { port1, port2 } = new MessageChannel();
  const ended = new Promise<void>((resolve) => port1.once("close", resolve));
  const generator = new Generator(portOf(port1), ended);
  port2.close();
  await ended;
  await expect(generator.generate(request)).rejects.toThrow("the generator has ended");
});
