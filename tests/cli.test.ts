/** @file The command line from outside: every promise of its contract, with the tiny models. */
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { MessageChannel } from "node:worker_threads";
import { beforeAll, describe, expect, test } from "vitest";
import {
  openSafetensors,
  parseInfotext,
  readAsF32,
  readImage,
  readPictureTexts,
  writeSafetensors,
} from "../src/formats/index.ts";
import { TorchRandom } from "../src/base/index.ts";
import { portOf } from "./reference/message-port.ts";
import { writeSmallRecipe } from "./reference/small-recipe.ts";
import {
  buildIfStale,
  finish,
  freshFolder,
  goldenModel,
  limn,
  start,
  beginWithoutOwnEngines,
} from "./reference/built-cli.ts";

const sd1 = goldenModel("sd1");
const quick = ["--model", sd1, "--steps", "2", "--width", "32", "--height", "32"];
const pixels = async (path: string) => (await readImage(path)).image.data;

beforeAll(() => buildIfStale(), 120_000);
beginWithoutOwnEngines();

interface Report {
  files: string[];
  seeds: number[];
  model: string;
  engine: string;
  precision: string;
  timings: { load: number; encode: number; steps: number[]; decode: number; total: number };
  memory: { peakRss: number };
  parameters: Record<string, unknown>;
  error?: { code: string; message: string; hint: string | null };
}
const reportOf = (stdout: string) => JSON.parse(stdout) as Report;

describe("drawing", () => {
  test("[G11] writes a picture with its parameters inside, and says where and from which seed", async () => {
    const folder = freshFolder();
    const { code, stdout, stderr } = await limn(folder, "a red apple", ...quick, "--seed", "7");
    expect([code, stdout]).toEqual([0, "a-red-apple-7.png\n"]);
    expect(stderr).toContain("seed 7");
    expect(stderr).not.toContain("\u001b");
    const path = join(folder, "a-red-apple-7.png");
    expect((await readImage(path)).image).toMatchObject({ width: 32, height: 32, channels: 3 });
    const { texts } = await readPictureTexts(readFileSync(path), "picture");
    const { prompt, parameters } = parseInfotext(texts.get("parameters") ?? "");
    expect(prompt).toBe("a red apple");
    expect(Object.fromEntries(parameters)).toMatchObject({
      Steps: "2",
      Sampler: "PLMS",
      "CFG scale": "7.5",
      Seed: "7",
      "Size-1": "32",
      "Size-2": "32",
      Model: "sd1",
      RNG: "CPU",
      Precision: "f32",
    });
    const shown = await limn(folder, "info", "a-red-apple-7.png");
    expect(shown.stdout.trim()).toBe(texts.get("parameters"));
  });

  test("[G10] overwrites nothing, keeps letters of any script, and joins words without quotes", async () => {
    const folder = freshFolder();
    const words = ["красное", "яблоко!", ...quick, "--seed", "1"];
    const first = await limn(folder, ...words);
    const second = await limn(folder, ...words);
    expect([first.stdout, second.stdout]).toEqual([
      "красное-яблоко-1.png\n",
      "красное-яблоко-1-2.png\n",
    ]);
    expect(readFileSync(join(folder, "красное-яблоко-1.png"))).toEqual(
      readFileSync(join(folder, "красное-яблоко-1-2.png")),
    );
  });

  test("--json prints one object, from which the picture can be made again", async () => {
    const folder = freshFolder();
    const { code, stdout } = await limn(
      folder,
      "a cat",
      ...quick,
      "--json",
      "--count",
      "3",
      "--batch",
      "2",
    );
    expect(code).toBe(0);
    const report = reportOf(stdout);
    const [seed] = report.seeds;
    expect(report).toMatchObject({
      files: [seed, seed + 1, seed + 2].map((s) => `a-cat-${s}.png`),
      seeds: [seed, seed + 1, seed + 2],
      model: "sd1",
      engine: "ort",
      precision: "f32",
      parameters: {
        prompts: ["a cat"],
        negative: null,
        latents: null,
        model: sd1,
        steps: 2,
        guidance: 7.5,
        width: 32,
        height: 32,
        seed,
      },
    });
    const { load, encode, steps, decode, total } = report.timings;
    expect(steps).toHaveLength(6); // PLMS calls once more than it steps, for each of two batches
    for (const seconds of [load, encode, decode, ...steps]) expect(seconds).toBeGreaterThan(0);
    expect(total).toBeGreaterThan(load + encode + decode + steps.reduce((a, b) => a + b, 0));
    expect(report.memory.peakRss).toBeGreaterThan(5e7);
    const again = await limn(
      folder,
      "a cat",
      ...quick,
      "--seed",
      String(seed + 1),
      "--out",
      "again.png",
    );
    expect(again.stdout).toBe("again.png\n");
    const [one, other] = await Promise.all(
      [report.files[1], "again.png"].map((file) => pixels(join(folder, file))),
    );
    // Kernels choose their blocks by the batch, hence another order of sums: now and then a byte is rounded otherwise.
    const differences = [...one].map((value, i) => Math.abs(value - other[i]));
    expect(Math.max(...differences)).toBeLessThanOrEqual(1);
    expect(differences.filter((difference) => difference > 0).length).toBeLessThanOrEqual(6);
  });

  test("--prompts draws every line in order into a folder", async () => {
    const folder = freshFolder();
    writeFileSync(join(folder, "list.txt"), "a cat\r\n\na dog\n");
    const words = ["generate", "--prompts", "list.txt", "--out", "many", ...quick, "--seed", "5"];
    const { code, stdout } = await limn(folder, ...words);
    expect([code, stdout]).toEqual([0, "many/00000.png\nmany/00001.png\n"]);
    const second = readFileSync(join(folder, "many/00001.png"));
    const { texts } = await readPictureTexts(second, "picture");
    expect(texts.get("parameters")).toMatch(/^a dog\n.*Seed: 6,/s);
  });

  test("--prompts takes lines with # for prompts too, and says so", async () => {
    const folder = freshFolder();
    writeFileSync(join(folder, "list.txt"), "# animals\n\n  \na cat\n");
    const words = ["--prompts", "list.txt", "--out", "many", ...quick, "--seed", "-1"];
    const { code, stdout, stderr } = await limn(folder, ...words);
    expect([code, stdout]).toEqual([0, "many/00000.png\nmany/00001.png\n"]);
    expect(stderr).toContain("limn: lines of list.txt that begin with # are drawn too: 1\n");
    expect(stderr).toMatch(/^seeds \d+ to \d+, /m); // drawn: no seed is -1
    expect((await limn(folder, "--help")).stdout.replace(/\s+/g, " ")).toContain(
      "every line of a file that is not blank, # or not,",
    );
  });

  test("--save-latents writes every step, --latents starts from given noise", async () => {
    const folder = freshFolder();
    const words = ["a cat", ...quick, "--sampler", "Euler", "--json"];
    await limn(
      folder,
      ...words,
      "--seed",
      "9",
      "--out",
      "a.png",
      "--save-latents",
      "a.safetensors",
    );
    const { tensors } = await openSafetensors(join(folder, "a.safetensors"));
    expect([...tensors.keys()].sort()).toEqual(["final", "initial", "step_000", "step_001"]);
    for (const { dtype, shape } of tensors.values())
      expect([dtype, shape]).toEqual(["f32", [1, 4, 8, 8]]);
    const noise = new TorchRandom(9).normal([1, 4, 8, 8]).data;
    const numbers = async (name: string) => {
      const stored = tensors.get(name);
      if (!stored) throw new Error(`no ${name}`);
      return readAsF32(stored);
    };
    const initial = await numbers("initial");
    // Euler's noise is scaled by the first σ of SD 1: 14.6146.
    initial.forEach((x, i) => expect(x).toBeCloseTo(14.6146 * noise[i], 2));
    expect(await numbers("final")).toEqual(await numbers("step_001"));

    const path = join(folder, "noise.safetensors");
    await writeSafetensors(path, [{ name: "x", dtype: "f32", shape: [1, 4, 8, 8], data: noise }]);
    const given = [...words, "--seed", "1", "--out", "b.png", "--latents", "noise.safetensors"];
    const { parameters } = reportOf((await limn(folder, ...given)).stdout);
    expect(parameters.latents).toBe(path);
    await limn(folder, ...words, "--seed", "1", "--out", "c.png", "--latents", "a.safetensors");
    const [a, b, c] = await Promise.all(
      ["a.png", "b.png", "c.png"].map((f) => pixels(join(folder, f))),
    );
    expect(b).toEqual(a);
    // Through the file the noise was multiplied by σ and divided again: f32 rounding.
    c.forEach((value, i) => expect(Math.abs(value - a[i])).toBeLessThanOrEqual(1));
  });

  test("a model that knows no text needs no prompt", async () => {
    const folder = freshFolder();
    const words = ["generate", "--model", goldenModel("ddpm"), "--steps", "2", "--seed", "4"];
    const { code, stdout } = await limn(folder, ...words);
    expect([code, stdout]).toEqual([0, "picture-4.png\n"]);
  });

  test("a reader that goes away costs no picture", async () => {
    const folder = freshFolder();
    const child = start(folder, ["a cat", ...quick, "--seed", "1"]);
    child.stdout.destroy();
    child.stderr.destroy();
    const code = await new Promise((done) => child.once("exit", done));
    expect([code, readdirSync(folder)]).toEqual([0, ["a-cat-1.png"]]);
  });
});

describe("stopping", () => {
  const long = ["a cat", "--model", sd1, "--steps", "900", "--seed", "1"];
  const running = async (folder: string) => {
    const child = start(folder, long);
    const end = finish(child);
    await new Promise((done) => child.stderr.once("data", done)); // the first line of progress
    return { child, end };
  };

  test.each([
    ["SIGINT", 130],
    ["SIGTERM", 143],
  ] as const)("%s stops and leaves nothing behind", async (signal, exitCode) => {
    const folder = freshFolder();
    const { child, end } = await running(folder);
    child.kill(signal);
    expect(await end).toMatchObject({ code: exitCode, signal: null });
    expect(readdirSync(folder)).toEqual([]);
  });

  test("a second signal kills at once", async () => {
    const folder = freshFolder();
    const { child, end } = await running(folder);
    // Asleep, it finds both when it wakes, in any order: the first would otherwise have stopped it already.
    for (const signal of ["SIGSTOP", "SIGINT", "SIGTERM", "SIGCONT"] as const) child.kill(signal);
    expect(await end).toMatchObject({
      code: null,
      signal: expect.stringMatching(/^SIG(INT|TERM)$/) as string,
    });
    expect(readdirSync(folder)).toEqual([]);
  });
});

test("help and version", async () => {
  const folder = freshFolder();
  const [all, one, version, bare] = await Promise.all([
    limn(folder, "--help"),
    limn(folder, "generate", "--help"),
    limn(folder, "--version"),
    limn(folder),
  ]);
  for (const { code, stdout } of [all, one, bare]) {
    expect(code).toBe(0);
    expect(stdout).toContain("--save-latents");
  }
  expect(all.stdout).toContain("doctor");
  const { version: own } = JSON.parse(readFileSync("package.json", "utf8")) as { version: string };
  expect([version.code, version.stdout]).toEqual([0, `${own}\n`]);
});

test("a first word that is a command is a command, and can be drawn after generate", async () => {
  const folder = freshFolder();
  const doctor = await limn(folder, "doctor", "--json");
  expect((JSON.parse(doctor.stdout) as { findings: unknown[] }).findings.length).toBeGreaterThan(5);
  const drawn = await limn(folder, "generate", "doctor", ...quick, "--seed", "1");
  expect(drawn.stdout).toBe("doctor-1.png\n");
});

test("train runs a recipe, stops on Ctrl-C with a checkpoint, and goes on from there", async () => {
  const { recipe, folder } = await writeSmallRecipe({ stage: "steps: 400," });
  const words = ["train", recipe, "--out", "run", "--threads", "1"];
  const child = start(folder, words);
  const end = finish(child);
  await new Promise((done) =>
    child.stderr.on("data", (text) => String(text).includes("step 10/400") && done(null)),
  );
  child.kill("SIGINT");
  expect(await end).toMatchObject({ code: 130, signal: null, stdout: "" });
  const { code, stdout, stderr } = await limn(folder, ...words);
  expect([code, stdout]).toEqual([0, `${join(folder, "run", "only")}\n`]);
  expect(stderr).toMatch(/^computing with .* in f32\nonly: from step [1-9]\d* to 400\n/);
  expect(stderr).toMatch(/step 400\/400 {2}loss \d\.\d{4} {2}error .* images\/s {2}0\.00 s left/);
});

test("a preparation that does not listen is left by Ctrl-C", async () => {
  const folder = freshFolder();
  const recipe = `export default { name: "slow", stages: [{ name: "never" }], async *prepare() {
    yield "preparing";
    await new Promise((done) => setTimeout(done, 60_000));
  } };`;
  writeFileSync(join(folder, "slow.ts"), recipe);
  const child = start(folder, ["train", "slow.ts"]);
  const end = finish(child);
  await new Promise((done) =>
    child.stderr.on("data", (text) => String(text).includes("preparing") && done(null)),
  );
  child.kill("SIGINT");
  const { signal, stderr } = await end;
  expect(signal).toBe("SIGINT");
  expect(stderr).toContain("stopping; what is being prepared is made anew next time");
});

test("train --json tells events and errors as objects", async () => {
  const { recipe, folder } = await writeSmallRecipe({ stage: "steps: 3," });
  const { stdout } = await limn(folder, "train", recipe, "--out", "run", "--json");
  const lines = stdout.trim().split("\n");
  const kinds = lines.map((line) => (JSON.parse(line) as { kind: string }).kind);
  expect([kinds[0], kinds[1], kinds.at(-1)]).toEqual(["note", "stage", "finished"]);
  const { code, stdout: said } = await limn(folder, "train", "none.ts", "--json");
  expect([code, reportOf(said).error]).toMatchObject([2, { code: "request" }]);
});

test("what the embedded model does not know is told, and info lists what it knows", async () => {
  const folder = freshFolder();
  const draw = async (prompt: string) => (await limn(folder, prompt, "--steps", "1")).stderr;
  const count = (await limn(folder, "info", "emblem")).stdout;
  const [, things] = /^knows (\d+) things:$/m.exec(count) ?? [];
  expect(count).toMatch(/^ {2}en: red apple, banana, /m);
  expect(count).toMatch(/^ {2}ru: красное яблоко, банан, /m);
  const lists = `so it may draw anything; limn info emblem lists its ${things} things\n`;
  expect(await draw("")).toContain(`limn: the prompt is empty, ${lists}`);
  expect(await draw("philosophy")).toContain(
    `limn: "philosophy" names nothing that emblem knows, ${lists}`,
  );
  expect(await draw("два красных яблока")).not.toContain("limn: ");
});

test("info shows what a model is made of", async () => {
  const { stdout } = await limn(freshFolder(), "info", sd1);
  expect(stdout).toContain("unet: UNet2DConditionModel, 697,316 parameters in 684 tensors of f32");
});

test("[G1] the main thread stays free while the generator draws", async () => {
  const load = async (name: string): Promise<unknown> =>
    import(pathToFileURL(`dist/service/${name}.js`).href);
  const { Generator, startGenerator } = (await load(
    "generator",
  )) as typeof import("../src/service/generator.ts");
  const { serveGenerator } = (await load(
    "generator-loop",
  )) as typeof import("../src/service/generator-loop.ts");
  const request = {
    folder: sd1,
    prompts: ["a cat"],
    ...{ negative: null, guidance: null, sampler: null, schedule: null, eta: null, clipSkip: null },
    ...{ latents: null, keepLatents: false, mode: null, guidanceRescale: 0, rng: "torch" as const },
    ...{ steps: 10, seed: 1, count: 1, batch: 1, width: 128, height: 128, threads: 1 },
    ...{ engine: "ort" as const, precision: "f32" as const },
  };
  /** Milliseconds that this thread was busy while a generator drew. */
  const busy = async (generator: InstanceType<typeof Generator>) => {
    const before = performance.eventLoopUtilization();
    expect((await generator.generate(request)).type).toBe("done");
    return performance.eventLoopUtilization(before).active;
  };
  const { port1, port2 } = new MessageChannel();
  serveGenerator(portOf(port2));
  const ended = new Promise<void>((resolve) => port1.once("close", resolve));
  await using here = new Generator(portOf(port1), ended);
  await using apart = startGenerator();
  const [alone, together] = [await busy(apart), await busy(here)];
  // The same generator in this thread is what the measure must be able to tell.
  expect(alone).toBeLessThan(together / 4);
});
