/** @file Test settings: everything a laptop runs in a few minutes. */
import { configDefaults, defineConfig } from "vitest/config";
import { SkippedTests } from "./tests/reference/skipped-tests.ts";

export default defineConfig({
  test: {
    include: ["src/**/*.test.ts", "tests/**/*.test.ts"],
    exclude: [...configDefaults.exclude, "**/*.{goldens,slow}.test.ts"],
    testTimeout: 60_000,
    reporters: ["default", new SkippedTests()],
    pool: "forks",
    maxWorkers: 2,
  },
});
