/** @file Locks with several contenders, real processes among them: whatever happens in between, one has it. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import * as fs from "node:fs/promises";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { build } from "esbuild";
import { afterEach, beforeAll, beforeEach, expect, onTestFinished, test, vi } from "vitest";
import { takeLock, type Lock } from "./lock.node.ts";

/** What happens right after an operation on files, by the operation's name. */
const between = vi.hoisted(() => ({ after: (_operation: string): unknown => undefined }));
vi.mock("node:fs/promises", async (original) => {
  const real = await original<typeof fs>();
  const told = Object.entries(real).map(([name, member]) => {
    if (typeof member !== "function") return [name, member];
    const operation = member as (...args: unknown[]) => unknown;
    const call = async (...args: unknown[]) =>
      Promise.resolve(operation(...args)).finally(() => between.after(name));
    return [name, call];
  });
  return Object.fromEntries(told) as typeof fs;
});

const lasting = { patience: Infinity };
const passing = { patience: 3_600_000 };

let folder = "";
let file = "";
beforeEach(async () => {
  between.after = () => undefined;
  folder = await mkdtemp(join(tmpdir(), "limn lock "));
  file = join(folder, "work.lock");
});
afterEach(async () => {
  between.after = () => undefined;
  vi.restoreAllMocks();
  await rm(folder, { recursive: true });
});

/** Takes a lock as soon as it can, is alone with it for a moment, and goes, with the lock or without giving it back. */
const contender = `
import { openSync, closeSync, unlinkSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { takeLock } from "./lock.mjs";
const [file, end] = process.argv.slice(2);
let lock;
while (typeof (lock = await takeLock(file, { patience: Infinity })) === "number") await sleep(1);
closeSync(openSync(file + ".alone", "wx"));
await sleep(4);
unlinkSync(file + ".alone");
process.stdout.write("taken");
if (end === "hold") await sleep(60_000);
if (end === "release") await lock[Symbol.asyncDispose]();
process.exit();
`;
let scripts = "";
beforeAll(async () => {
  scripts = await mkdtemp(join(tmpdir(), "limn contender "));
  await build({
    entryPoints: [join(import.meta.dirname, "lock.node.ts")],
    outfile: join(scripts, "lock.mjs"),
    ...{ bundle: true, platform: "node", format: "esm", target: "node20" },
  });
  writeFileSync(join(scripts, "contender.mjs"), contender);
  return () => rmSync(scripts, { recursive: true });
});

/** Another process that wants the lock. */
const contend = (end: "hold" | "release" | "die") =>
  spawn(process.execPath, [join(scripts, "contender.mjs"), file, end]);

/** The number of a process that has ended. */
async function deadProcess(): Promise<number> {
  const child = spawn(process.execPath, ["-e", ""]);
  await once(child, "exit");
  return Number(child.pid);
}

const textOf = () => readFileSync(file, "utf8");
async function take(tenure = lasting): Promise<Lock> {
  const lock = await takeLock(file, tenure);
  if (typeof lock === "number") throw new Error(`process ${lock} has it`);
  onTestFinished(() => lock[Symbol.asyncDispose]());
  return lock;
}

test("of two processes that both judge an old lock dead, one has it", async () => {
  writeFileSync(file, `${await deadProcess()}\n`);
  const holder: { pid: number; text: string } = { pid: 0, text: "" };
  const seen = new Set<string>();
  between.after = async (operation) => {
    if (holder.pid > 0) seen.add(textOf());
    if (operation !== "readFile" || holder.pid > 0) return;
    // This one has read the dead one's lock, and waits while the other takes it over.
    const child = contend("hold");
    onTestFinished(() => void child.kill());
    await once(child.stdout, "data");
    Object.assign(holder, { pid: child.pid, text: textOf() });
  };
  expect(await takeLock(file, lasting)).toBe(holder.pid);
  expect(holder.text).toMatch(new RegExp(`^${holder.pid} `));
  expect([...seen]).toEqual([holder.text]); // it was never away
  between.after = () => undefined;
  expect(await readdir(folder)).toEqual(["work.lock"]);
});

test("processes that die with a lock or give it back are never two at once", async () => {
  writeFileSync(file, `${await deadProcess()}\n`);
  const ends = ["die", "release", "die", "release", "die", "release"] as const;
  const children = ends.map(contend);
  const exits = await Promise.all(children.map((child) => once(child, "exit")));
  expect(exits).toEqual(ends.map(() => [0, null]));
  await take();
}, 60_000);

test("a lock that was taken over is not given back", async () => {
  const lock = await take();
  expect(await lock.isHeld()).toBe(true);
  writeFileSync(file, `${process.ppid}\n`);
  expect(await lock.isHeld()).toBe(false);
  await lock[Symbol.asyncDispose]();
  expect(textOf()).toBe(`${process.ppid}\n`);
  rmSync(file);
  const next = await take();
  await lock[Symbol.asyncDispose](); // once more
  expect(await next.isHeld()).toBe(true);
});

test("whoever asks while it is held learns by whom", async () => {
  const lock = await take();
  expect(await takeLock(file, lasting)).toBe(process.pid);
  await lock[Symbol.asyncDispose]();
  expect(await readdir(folder)).toEqual([]);
  await take();
});

test("a lock that a process died with while it removed another is in nobody's way", async () => {
  const dead = await deadProcess();
  writeFileSync(file, `${dead}\n`);
  writeFileSync(`${file}.lock`, `${dead}\n`);
  const lock = await take();
  await lock[Symbol.asyncDispose]();
  expect(await readdir(folder)).toEqual([]);
});

test("this process's number is another's, or another thread's for a while", async () => {
  writeFileSync(file, `${process.pid}\n`);
  expect(await takeLock(file, passing)).toBe(process.pid);
  await (await take(lasting))[Symbol.asyncDispose]();
  writeFileSync(file, `${process.ppid}\n`);
  const hours = Date.now() / 1000 - 7200;
  utimesSync(file, hours, hours);
  expect(await takeLock(file, lasting)).toBe(process.ppid);
  await take(passing);
});

test("without second names for files it is a lock all the same", async () => {
  const refused = Object.assign(new Error("EPERM"), { code: "EPERM", syscall: "link" });
  const link = vi.spyOn(fs, "link").mockRejectedValue(refused);
  const lock = await take();
  expect(link).toHaveBeenCalled();
  expect(await readdir(folder)).toEqual(["work.lock"]);
  const other = contend("release");
  await lock[Symbol.asyncDispose]();
  expect(await once(other, "exit")).toEqual([0, null]);
  writeFileSync(file, `${await deadProcess()}\n`);
  await take();
});

test("a lock that is being written is waited for; one that never is goes", async () => {
  writeFileSync(file, "12");
  between.after = (operation) => {
    if (operation === "readFile") writeFileSync(file, `${process.ppid}\n`);
  };
  expect(await takeLock(file, lasting)).toBe(process.ppid);
  between.after = () => undefined;
  writeFileSync(file, "");
  utimesSync(file, 1e9, 1e9);
  await take();
});
