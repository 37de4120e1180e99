/** @file From how many heaps threads allocate, counted by the C library itself, in processes of their own. */
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";

const { glibcVersionRuntime } = (process.report.getReport() as { header: object }).header as {
  glibcVersionRuntime?: string;
};

/** Counts heaps before and after 16 threads of the pool allocate. */
const script = (before: string, report: string) => `
  const { readFileSync } = require("node:fs");
  const { createJiti } = require("jiti");
  (async () => {
    const jiti = createJiti(${JSON.stringify(import.meta.filename)});
    const { koffi, onPool } = await jiti.import("../native.node.ts");
    const { shareHeap } = await jiti.import("./arenas.node.ts");
    const library = koffi().load(null);
    const functionOf = (text) => library.func(text);
    const open = functionOf("void *fopen(const char *, const char *)");
    const describe = functionOf("int malloc_info(int, void *)");
    const close = functionOf("int fclose(void *)");
    const sleep = functionOf("int usleep(int)");
    const allocate = functionOf("void *malloc(size_t)");
    const heaps = () => {
      const file = open(${JSON.stringify(report)}, "w");
      describe(0, file);
      close(file);
      return readFileSync(${JSON.stringify(report)}, "utf8").match(/<heap nr=/g).length;
    };
    ${before}
    const first = heaps();
    const sleepAndAllocate = async () => {
      await onPool("libc", sleep, { args: [50000], kept: [] });
      await onPool("libc", allocate, { args: [1000], kept: [] });
    };
    await Promise.all(Array.from({ length: 16 }, sleepAndAllocate));
    console.log(JSON.stringify([first, heaps()]));
  })();`;

function heapsGained(before: string): number {
  const folder = mkdtempSync(join(tmpdir(), "limn arenas "));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const text = execFileSync(process.execPath, ["-e", script(before, join(folder, "heaps.xml"))], {
    env: { ...process.env, UV_THREADPOOL_SIZE: "16" },
    encoding: "utf8",
  });
  const [first, last] = JSON.parse(text) as [number, number];
  return last - first;
}

describe.runIf(glibcVersionRuntime)("heaps of a process whose 16 threads allocate", () => {
  test("grow in number, unless they share one", () => {
    expect(heapsGained("")).toBeGreaterThan(0);
    expect(heapsGained("shareHeap();")).toBe(0);
  });
});
