/** @file That commands print by one way only, the one that disarms what it prints. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";

test("nothing but print.ts writes to the console, and main.ts when all else failed", () => {
  const folder = import.meta.dirname;
  const writes = readdirSync(folder)
    .filter((file) => !/\.test\.ts$/.test(file))
    .filter((file) => /\bconsole\./.test(readFileSync(join(folder, file), "utf8")));
  expect(writes).toEqual(["main.ts", "print.ts"]);
});
