/** @file A training run in this process: what it tells, what it leaves, how it stops and how it fails. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync, writeFileSync } from "node:fs";
import { mkdir, readFile, readdir, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { performance } from "node:perf_hooks";
import { expect, onTestFinished, test, vi } from "vitest";
import { FormatError } from "../base/index.ts";
import { decodeImage, openSafetensors, readAsF32, writeSafetensors } from "../formats/index.ts";
import { ortEngine } from "../runtime/index.ts";
import { writeSmallRecipe, type Parts } from "../../tests/reference/small-recipe.ts";
import { Journal } from "./run/journal.node.ts";
import { train, type TrainEvent, type TrainOptions } from "./train.node.ts";

const engine = await ortEngine();
const clock = () => performance.now() / 1000;

async function prepareRun(parts: Parts = {}) {
  const { recipe, folder } = await writeSmallRecipe(parts);
  const options: TrainOptions = {
    folder: join(folder, "run"),
    engine,
    threads: 1,
    keepEvery: 5,
    clock,
  };
  const only = join(folder, "run", "only");
  return { recipe, options, only, start: () => train(recipe, options) };
}

async function collect(events: AsyncIterable<TrainEvent>): Promise<TrainEvent[]> {
  const all: TrainEvent[] = [];
  for await (const event of events) all.push(event);
  return all;
}

const failure = (events: AsyncIterable<TrainEvent>): Promise<unknown> =>
  collect(events).then(
    () => null,
    (error: unknown) => error,
  );

/** What a run leaves that must not depend on where it was interrupted. */
const results = async (only: string) => ({
  journal: await readFile(join(only, "journal.csv"), "utf8"),
  averaged: (await readFile(join(only, "averaged.safetensors"))).toString("base64"),
  sample: (await readFile(join(only, "samples-0000012.png"))).toString("base64"),
  finished: await readFile(join(only, "..", "finished.txt"), "utf8"),
});

test("a run tells its steps and leaves its files; a finished one does nothing more", async () => {
  const { start, only } = await prepareRun();
  const events = await collect(start());
  const steps = events.filter((event) => event.kind === "step");
  expect(steps.map(({ step }) => step)).toEqual(Array.from({ length: 17 }, (_, i) => i + 1));
  expect(events.at(0)).toEqual({ kind: "stage", name: "only", from: 0, steps: 17 });
  expect(events.at(-1)).toEqual({ kind: "finished", stage: "only", folder: only });
  for (const step of steps) {
    expect(step.samples).toBe(8);
    expect(step.samplesPerSecond).toBeGreaterThan(0);
  }
  expect(steps.at(-1)?.secondsLeft).toBe(0);
  expect(steps[16].metrics.loss).toBeLessThan(steps[0].metrics.loss / 2);

  expect((await readdir(only)).sort()).toEqual([
    "averaged.safetensors",
    "checkpoint-15.safetensors",
    "checkpoint-17.safetensors",
    "journal.csv",
    "loss.png",
    "samples-0000006.png",
    "samples-0000012.png",
    "samples-0000017.png",
  ]);
  const [head, first, ...rest] = (await results(only)).journal.trim().split("\n");
  expect(head).toBe("step,loss,error,norm,rate");
  expect(rest.length).toBe(16);
  const { metrics, norm, rate } = steps[0];
  const cells = [1, metrics.loss, metrics.error, norm, rate];
  first.split(",").forEach((cell, i) => expect(Number(cell)).toBeCloseTo(cells[i], 6));
  const curve = await decodeImage(await readFile(join(only, "loss.png")), { what: "the curve" });
  expect([curve.image.width, curve.image.height]).toEqual([900, 420]);
  expect(await collect(start())).toEqual([{ kind: "note", text: `already finished: ${only}` }]);
});

test("a run left early, also while a step is being made, goes on to the same end", async () => {
  const whole = await prepareRun();
  await collect(whole.start());
  const parts = await prepareRun();
  for await (const event of parts.start()) if (event.kind === "step" && event.step === 7) break;
  expect(await readdir(parts.only)).toContain("checkpoint-7.safetensors");

  const events = parts.start();
  expect((await events.next()).value).toMatchObject({ kind: "stage", from: 7 });
  expect((await events.next()).value).toMatchObject({ kind: "step", step: 8 });
  const inFlight = events.next();
  const returned = events.return(undefined);
  expect((await inFlight).value).toMatchObject({ kind: "step", step: 9 });
  expect((await returned).done).toBe(true);
  expect(await readdir(parts.only)).toContain("checkpoint-9.safetensors");

  await collect(parts.start());
  expect(await results(parts.only)).toEqual(await results(whole.only));
});

test("a slow `batches` leaves the event loop free", async () => {
  // A batch is not made before this loop, running all the while, has answered it: were it held up, none would ever be.
  const { start, options } = await prepareRun({
    stage: `steps: 3,
      async batches(folder) {
        const { existsSync, writeFileSync } = await import("node:fs");
        const pause = new Int32Array(new SharedArrayBuffer(4));
        return (step, part) => {
          const name = join(folder, \`batch-\${step}-\${part}\`);
          writeFileSync(\`\${name}.asked\`, "");
          for (let tries = 0; !existsSync(\`\${name}.answered\`); tries++) {
            if (tries === 3000) throw new Error("nobody answers");
            Atomics.wait(pause, 0, 0, 10);
          }
          return batch(step, part);
        };
      },`,
  });
  const answered = new Set<string>();
  const answer = () => {
    const names = readdirSync(options.folder).filter((name) => name.endsWith(".asked"));
    for (const name of names.filter((each) => !answered.has(each))) {
      answered.add(name);
      writeFileSync(join(options.folder, name.replace("asked", "answered")), "");
    }
  };
  await mkdir(options.folder);
  const timer = setInterval(answer, 5);
  onTestFinished(() => clearInterval(timer));
  const events = await collect(start());
  expect(events.filter(({ kind }) => kind === "step")).toHaveLength(3);
  expect(answered.size).toBeGreaterThanOrEqual(6);
});

test("batches that share their arrays are copied", async () => {
  const { start } = await prepareRun({
    batches: "const same = batch(0, 0); return () => same",
    stage: "steps: 3,",
  });
  const events = await collect(start());
  expect(events.filter(({ kind }) => kind === "step").length).toBe(3);
});

test("data that cannot be made stop the run with their own words", async () => {
  const throwing = await prepareRun({
    batches: `const { FormatError } = await import("limn/base");
      return (step) => {
        if (step === 2) throw new FormatError("picture 7 is torn", { hint: "make the data again" });
        return batch(step, 0);
      }`,
  });
  const torn = await failure(throwing.start());
  expect(torn).toBeInstanceOf(FormatError);
  expect(torn).toMatchObject({
    code: "format",
    message: "picture 7 is torn",
    hint: "make the data again",
  });
  const refusing = await prepareRun({
    batches: `const { RequestError } = await import("limn/base");
      return () => { throw new RequestError("crop", "must be 64"); }`,
  });
  expect(await failure(refusing.start())).toMatchObject({
    field: "crop",
    message: "crop: must be 64",
  });
  expect(await readdir(throwing.only)).toContain("checkpoint-2.safetensors");
  const closed = await prepareRun({ batches: `throw new Error("the shop is closed")` });
  expect(await failure(closed.start())).toMatchObject({
    message: expect.stringMatching(/^the shop is closed \(at .*recipe\.ts:\d+\)$/) as string,
  });
  const gone = await prepareRun({
    batches: "return (step) => (step === 1 ? process.exit(0) : batch(step, 0))",
  });
  expect(await failure(gone.start())).toMatchObject({
    message: "the thread that loads the data stopped",
  });
});

test("numbers that are none stop the run with the step and the module", async () => {
  const message = async (parts: Parts) => {
    const { start, only } = await prepareRun(parts);
    const error = await failure(start());
    expect(error).toMatchObject({ code: "engine" });
    return { message: (error as Error).message, files: await readdir(only) };
  };
  const batch = await message({
    batches: `return (step, part) => {
      const made = batch(step, part);
      if (step === 3 && part === 1) made.x.data[5] = NaN;
      return made;
    }`,
  });
  expect(batch.message).toBe(
    "the loss is NaN at step 4 of only: the batch's x already is not finite",
  );
  expect(batch.files).toContain("checkpoint-3.safetensors");
  const forward = await message({
    forward: "return this.outer.call(this.inner.call(x)).abs().neg().sub(1).log()",
  });
  expect(forward.message).toMatch(
    /^the loss is NaN at step 1 of only: first in the output of net \(Log\)$/,
  );
  const weight = await message({
    stage: `clip: null, rate: { base: 1e38, warmup: 0, decay: "constant" },`,
  });
  expect(weight.message).toBe(
    "the loss is NaN at step 2 of only: the weight net.inner.weight already is not finite",
  );
  expect(weight.files).not.toContain("checkpoint-1.safetensors");
  const gradient = await message({
    forward: "return this.outer.call(this.inner.call(x).mul(0).sqrt())",
  });
  expect(gradient.message).toMatch(
    /^the norm of the gradients is NaN at step 1 of only: first in the gradients of net \(/,
  );
});

test("a run folder has one training at a time, and a dead one's claim does not count", async () => {
  const { start, options, recipe } = await prepareRun({ stage: "steps: 3," });
  const first = start();
  await first.next();
  expect(await failure(start())).toMatchObject({
    field: "out",
    message: `out: process ${process.pid} is training in ${options.folder}`,
  });
  await first.return(undefined);
  const lock = join(options.folder, "training.lock");
  await expect(readFile(lock)).rejects.toThrow("ENOENT");

  const other = spawn(process.execPath, ["-e", "setTimeout(() => {}, 60_000)"]);
  await writeFile(lock, `${other.pid}\n`);
  expect(await failure(start())).toMatchObject({ field: "out" });
  const ended = once(other, "exit");
  other.kill();
  await ended;
  expect((await collect(start())).at(-1)).toMatchObject({ kind: "finished" });
  // A container starts its processes with the same numbers again.
  await writeFile(lock, `${process.pid}\n`);
  expect(await failure(train(recipe, { ...options, threads: 100_000 }))).toMatchObject({
    field: "threads",
  });
  expect(await failure(start())).toBeNull();
});

test("a step whose diary cannot be written is in no checkpoint, and the run goes on to the same end", async () => {
  const whole = await prepareRun();
  await collect(whole.start());
  const parts = await prepareRun();
  const diary = vi.spyOn(Journal.prototype, "add");
  const full = Object.assign(new Error("full"), { code: "ENOSPC", syscall: "write" });
  onTestFinished(() => diary.mockRestore());
  const untilFull = async () => {
    for await (const event of parts.start())
      if (event.kind === "step" && event.step === 7) diary.mockRejectedValueOnce(full);
  };
  const error = await untilFull().catch((thrown: unknown) => thrown);
  expect(error).toMatchObject({
    code: "engine",
    message: `cannot write ${parts.only}: the disk is full`,
    hint: "make room or give another place; checkpoint-5.safetensors is kept, and the same command goes on from there",
  });
  expect((await readdir(parts.only)).filter((name) => /^checkpoint/.test(name))).toEqual([
    "checkpoint-5.safetensors",
  ]);
  diary.mockRestore();
  await collect(parts.start());
  expect(await results(parts.only)).toEqual(await results(whole.only));
});

test("a recipe that was changed is refused, before and after the end", async () => {
  const { start, recipe, options, only } = await prepareRun();
  for await (const event of start()) if (event.kind === "step" && event.step === 6) break;
  const original = await readFile(recipe, "utf8");
  const refusal = async (from: string, to: string) => {
    expect(original).toContain(from);
    const changed = recipe.replace(".ts", `-${to.length}.ts`);
    await writeFile(changed, original.replace(from, to));
    return failure(train(changed, options));
  };
  const file = join(only, "checkpoint-6.safetensors");
  expect(await refusal("steps: 17", "steps: 20")).toMatchObject({
    field: "recipe",
    message: `recipe: ${file} was made with other settings: steps (17 then, 20 now)`,
    hint: "give another folder with --out, or the recipe as it was",
  });
  expect(await refusal("clip: 1", "clip: 2")).toMatchObject({
    message: expect.stringContaining("clip (1 then, 2 now)") as string,
  });
  expect(await refusal("difference.mul(difference)", "difference.abs()")).toMatchObject({
    message: `recipe: ${file} was made with other settings: network`,
  });
  await collect(start());
  expect(await refusal("steps: 17", "steps: 20")).toMatchObject({
    message: expect.stringContaining("averaged.safetensors was made with other settings") as string,
  });
});

/** Writes a file of tensors again, with no more of its metadata than the step. */
async function forgetRecipe(file: string): Promise<void> {
  const { tensors, metadata } = await openSafetensors(file);
  const read = [...tensors].map(async ([name, stored]) => ({
    ...{ name, dtype: "f32" as const, shape: stored.shape, data: await readAsF32(stored) },
  }));
  await writeSafetensors(
    file,
    await Promise.all(read),
    new Map([...metadata].filter(([key]) => key === "step")),
  );
}

test("files that do not say by which recipe they were made are taken with a note", async () => {
  const { start, only } = await prepareRun();
  for await (const event of start()) if (event.kind === "step" && event.step === 6) break;
  await forgetRecipe(join(only, "checkpoint-6.safetensors"));
  const [first, second] = await collect(start());
  expect(first).toEqual({
    kind: "note",
    text: `${join(only, "checkpoint-6.safetensors")} does not say by which recipe it was made; taken to be this one's`,
  });
  expect(second).toMatchObject({ kind: "stage", from: 6 });
  await forgetRecipe(join(only, "averaged.safetensors"));
  expect(await collect(start())).toHaveLength(2);
});

test("where the newest checkpoint cannot be read the one before is taken", async () => {
  const whole = await prepareRun();
  await collect(whole.start());
  const { start, only } = await prepareRun();
  for await (const event of start()) if (event.kind === "step" && event.step === 12) break;
  const file = join(only, "checkpoint-12.safetensors");
  await truncate(file, 100);
  const events = start();
  expect((await events.next()).value).toEqual({
    kind: "note",
    text: `${file} cannot be read; going on from ${join(only, "checkpoint-10.safetensors")}`,
  });
  expect((await events.next()).value).toMatchObject({ kind: "stage", from: 10 });
  await collect(events);
  expect(await results(only)).toEqual(await results(whole.only));
});

test("where no checkpoint can be read nothing is begun anew", async () => {
  const { start, only } = await prepareRun();
  for await (const event of start()) if (event.kind === "step" && event.step === 3) break;
  await writeFile(join(only, "checkpoint-3.safetensors"), "");
  expect(await failure(start())).toMatchObject({
    message: `no checkpoint in ${only} can be read`,
    hint: "remove them to start anew",
  });
});

test("a recipe's own errors say where in the recipe", async () => {
  const lineOf = async (recipe: string, text: string) =>
    (await readFile(recipe, "utf8")).split("\n").findIndex((line) => line.includes(text)) + 1;
  const expectPlace = async (parts: Parts) => {
    const { start, recipe } = await prepareRun(parts);
    expect(await failure(start())).toMatchObject({
      code: "recipe",
      message: `boom (at ${recipe}:${await lineOf(recipe, "boom")})`,
    });
  };
  await expectPlace({ stage: `finish() { throw new Error("boom"); }, steps: 1,` });
  await expectPlace({ stage: `trace() { throw new TypeError("boom"); },` });
  await expectPlace({ batches: `throw new Error("boom")` });
});
