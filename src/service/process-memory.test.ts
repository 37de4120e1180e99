/** @file Memory of processes, beside what Node.js counts and what is known to have been taken. */
import { expect, test } from "vitest";
import { mostResident, processMemory } from "./process-memory.ts";

test("a process that is none has no memory", () => {
  expect([processMemory(undefined), mostResident(undefined)]).toEqual([null, null]);
  expect(processMemory(2 ** 30)).toBeNull();
});

test.runIf(process.platform === "linux")("this process, before and after it takes 64 MB", () => {
  const size = 64 << 20;
  const before = processMemory(process.pid);
  const taken = new Uint8Array(size).fill(1);
  const after = processMemory("self");
  if (!before || !after) throw new Error("there is no smaps_rollup");
  // Collected garbage may be given back meanwhile, hence half of it.
  expect(after.own - before.own).toBeGreaterThan(size / 2);
  expect(after.own - before.own).toBeLessThan(2 * size);
  const resident = process.memoryUsage.rss();
  expect((after.own + after.files) / resident).toBeGreaterThan(0.8);
  expect((after.own + after.files) / resident).toBeLessThan(1.25);
  expect(mostResident("self")).toBeGreaterThan(taken.length);
});
