/** @file SHA-256 against the system's own. */
import { createHash } from "node:crypto";
import { expect, test } from "vitest";
import { PhiloxRandom, sha256 } from "./index.ts";

test("digests of every length up to some blocks are those of the system", () => {
  const bytes = new Uint8Array(new PhiloxRandom(1).normal([100]).data.buffer);
  for (let length = 0; length <= 200; length++) {
    const part = bytes.subarray(0, length);
    expect(sha256(part), `${length}`).toBe(createHash("sha256").update(part).digest("hex"));
  }
});
