/** @file Settings of the tests that need the whole goldens folder: LIMN_GOLDENS, by default ../shared/goldens. */
import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["src/**/*.goldens.test.ts", "tests/**/*.goldens.test.ts"],
    testTimeout: 120_000,
    pool: "forks",
    maxWorkers: 2,
  },
});
