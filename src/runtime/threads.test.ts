/** @file The range of threads, with the machine's processors as the measure. */
import { availableParallelism } from "node:os";
import { expect, test } from "vitest";
import { checkThreads } from "./threads.node.ts";

test("threads are left out or within four for each processor", () => {
  const most = 4 * availableParallelism();
  for (const fine of [null, undefined, 1, most]) expect(() => checkThreads(fine)).not.toThrow();
  for (const wrong of [0, -1, 1.5, NaN, most + 1, 100_000])
    expect(() => checkThreads(wrong)).toThrow(
      new RegExp(
        `^threads: must be .* from 1 to ${most}, for .* has ${most / 4} proc.*, got ${wrong}`,
      ),
    );
});
