/** @file The program cache with programs that only count. */
import { expect, test } from "vitest";
import type { Program } from "../../runtime/index.ts";
import { ProgramCache } from "./program-cache.ts";

function counter() {
  const log: string[] = [];
  const source = (key: string, bytes: number) => ({
    key,
    bytes,
    compile: (): Promise<Program> => {
      log.push(`+${key}`);
      return Promise.resolve({
        run: () => Promise.resolve({}),
        [Symbol.asyncDispose]: () => {
          log.push(`-${key}`);
          return Promise.resolve();
        },
      });
    },
  });
  return { log, source };
}

async function use(cache: ProgramCache, source: Parameters<ProgramCache["borrow"]>[0]) {
  const lease = await cache.borrow(source);
  await lease[Symbol.asyncDispose]();
}

test("compiles once, and lets the longest unused go first", async () => {
  const { log, source } = counter();
  const cache = new ProgramCache(10);
  await use(cache, source("a", 4));
  await use(cache, source("b", 4));
  await use(cache, source("a", 4));
  await use(cache, source("c", 4));
  expect(log).toEqual(["+a", "+b", "-b", "+c"]);
  expect(cache.bytes).toBe(8);
  await cache[Symbol.asyncDispose]();
  expect(log.slice(4)).toEqual(["-a", "-c"]);
});

test("what is in use stays, and is closed by its user when the owner went first", async () => {
  const { log, source } = counter();
  const cache = new ProgramCache(5);
  const lease = await cache.borrow(source("a", 4));
  await use(cache, source("b", 4));
  expect(log).toEqual(["+a", "+b"]);
  await cache[Symbol.asyncDispose]();
  expect(log).toEqual(["+a", "+b", "-b"]);
  await lease[Symbol.asyncDispose]();
  await lease[Symbol.asyncDispose]();
  expect(log).toEqual(["+a", "+b", "-b", "-a"]);
});

test("two who ask at once share one program", async () => {
  const { log, source } = counter();
  const cache = new ProgramCache(5);
  await Promise.all([use(cache, source("a", 4)), use(cache, source("a", 4))]);
  expect(log).toEqual(["+a"]);
});

test("a failed compilation is not remembered", async () => {
  const { source } = counter();
  const cache = new ProgramCache(5);
  const failing = { ...source("a", 4), compile: () => Promise.reject(new Error("no")) };
  await expect(cache.borrow(failing)).rejects.toThrow("no");
  await use(cache, source("a", 4));
  expect(cache.has("a")).toBe(true);
});
