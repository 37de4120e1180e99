/** @file A run folder with several contenders: whatever happens in between, one has it. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import type * as Files from "node:fs/promises";
import { readFileSync, writeFileSync } from "node:fs";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { beforeEach, expect, onTestFinished, test, vi } from "vitest";
import { lockFolder } from "./lock.node.ts";

/** What another process does right after an operation on files, by the operation's name. */
const between = vi.hoisted(() => ({ after: (_operation: string) => {} }));
beforeEach(() => (between.after = () => {}));

vi.mock("node:fs/promises", async (original) => {
  const real = await original<typeof Files>();
  const told = Object.entries(real).map(([name, member]) => {
    if (typeof member !== "function") return [name, member];
    const call = async (...args: unknown[]) => {
      const operation = member as (...args: unknown[]) => unknown;
      return Promise.resolve(operation(...args)).finally(() => between.after(name));
    };
    return [name, call];
  });
  return Object.fromEntries(told) as typeof Files;
});

async function newFolder() {
  const folder = await mkdtemp(join(tmpdir(), "limn lock "));
  onTestFinished(() => rm(folder, { recursive: true }));
  return { folder, file: join(folder, "training.lock") };
}

/** A process that lives until the test ends, and one that has ended. */
async function processes() {
  const [living, dead] = [0, 1].map(() =>
    spawn(process.execPath, ["-e", "setInterval(() => {}, 1000)"]),
  );
  onTestFinished(() => void living.kill());
  const ended = once(dead, "exit");
  dead.kill();
  await ended;
  return { living: Number(living.pid), dead: Number(dead.pid) };
}

const textOf = (file: string) => {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return null;
  }
};

test("whoever looks sees no lock or one that names its owner", async () => {
  const { folder, file } = await newFolder();
  const seen: (string | null)[] = [];
  between.after = () => seen.push(textOf(file));
  const lock = await lockFolder(folder);
  const owner = /^\d+/.exec(textOf(file) ?? "")?.[0];
  expect(owner).toBe(String(process.pid));
  expect(new Set(seen)).toEqual(new Set([null, textOf(file)]));
  await lock[Symbol.asyncDispose]();
  expect(await readdir(folder)).toEqual([]);
});

test("a dead one's lock that another has taken over meanwhile is not taken from it", async () => {
  const { living, dead } = await processes();
  const { folder, file } = await newFolder();
  writeFileSync(file, `${dead}\n`);
  between.after = (operation) => {
    if (operation !== "readFile") return;
    writeFileSync(file, `${living}\n`);
    between.after = () => {};
  };
  await expect(lockFolder(folder)).rejects.toMatchObject({
    field: "out",
    message: `out: process ${living} is training in ${folder}`,
  });
  expect(textOf(file)).toBe(`${living}\n`);
  expect(await readdir(folder)).toEqual(["training.lock"]);
});

test("of two trainings in one process that begin together one has the folder", async () => {
  const { dead } = await processes();
  const { folder, file } = await newFolder();
  writeFileSync(file, `${dead}\n`);
  const both = await Promise.allSettled([lockFolder(folder), lockFolder(folder)]);
  expect(both.map(({ status }) => status).sort()).toEqual(["fulfilled", "rejected"]);
});
