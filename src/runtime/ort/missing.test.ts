/** @file A machine without ONNX Runtime. */
import { expect, test, vi } from "vitest";
import { EngineError } from "../../base/index.ts";
import { ortEngine } from "../index.ts";

vi.mock("./library.node.ts", async (original) => ({
  ...(await original<object>()),
  libraryPath: () => {
    throw new EngineError("ONNX Runtime is not installed");
  },
}));

test("an engine that is missing is a rejection, not an exception", async () => {
  const engine = ortEngine();
  await expect(engine).rejects.toThrow("ONNX Runtime is not installed");
});
