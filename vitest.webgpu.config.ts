/** @file Settings of the slow suite that computes in a browser's WebGPU. */
import { defineConfig } from "vitest/config";

export default defineConfig({
  test: { include: ["tests/webgpu.slow.test.ts"], testTimeout: 300_000, pool: "forks" },
});
