/** @file What goes wrong with ONNX Runtime in WebAssembly, in limn's words. */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { expect, onTestFinished, test } from "vitest";
import { graphOf, parameter } from "../../tensor/index.ts";
import { failed } from "./engine.ts";
import { webEngine } from "./web-engine.ts";

const limit = "WebAssembly holds 4 GB at most: take a smaller picture or model";
test.each([
  [new Error("failed to allocate a buffer"), "failed to allocate a buffer", limit],
  [new Error("std::bad_alloc"), "std::bad_alloc", limit],
  [new Error("no such kernel"), "no such kernel", undefined],
  [1437912, "WebAssembly does not say why", `perhaps memory: ${limit}`],
])("%s", (cause, reason, hint) => {
  const message = `it failed: ${reason}`;
  expect(() => failed("it failed")(cause)).toThrow(
    expect.objectContaining({ name: "EngineError", message, hint, cause }) as Error,
  );
});

/** A server that answers every request so. */
async function serving(status: number, body: string): Promise<string> {
  const server = createServer((_, response) => response.writeHead(status).end(body));
  onTestFinished(() => void server.close());
  await new Promise<void>((ready) => server.listen(0, "127.0.0.1", ready));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/weights`;
}

test.each([
  [404, "not here", "could not be fetched: the server answered 404"],
  [503, "a page about it", "could not be fetched: the server answered 503"],
  [206, "short", "8 bytes were asked for, 5 came"],
  [200, "", "8 bytes were asked for, 0 came"],
])("weights from a server that answers %i with %j", async (status, body, message) => {
  const file = await serving(status, body);
  const weight = parameter([2], { kind: "constant", value: 0 });
  weight.path = "weight";
  const engine = await webEngine();
  const bind = () => ({ kind: "file", file, offset: 0, dtype: "f32" }) as const;
  await expect(engine.compile(graphOf({ y: weight.neg() }), { bind })).rejects.toMatchObject({
    name: "EngineError",
    message: `${file}${message.startsWith("could") ? " " : ": "}${message}`,
  });
});
