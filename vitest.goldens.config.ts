/** @file Settings of the tests that need the whole goldens folder, which LIMN_GOLDENS names. */
import { defineConfig } from "vitest/config";
import { SkippedTests } from "./tests/reference/skipped-tests.ts";

export default defineConfig({
  test: {
    include: ["src/**/*.goldens.test.ts", "tests/**/*.goldens.test.ts"],
    testTimeout: 120_000,
    reporters: ["default", new SkippedTests()],
    pool: "forks",
    maxWorkers: 2,
  },
});
