/** @file Every golden op, its gradient too, in Chromium through onnxruntime-web's WebGPU, on an adapter in software. */
import { createServer, type Server } from "node:http";
import { createRequire } from "node:module";
import { readFile } from "node:fs/promises";
import type { AddressInfo } from "node:net";
import { dirname, join } from "node:path";
import { build } from "esbuild";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { browserField } from "./reference/browser-field.ts";
import { describeChromium } from "./reference/chromium.ts";
import { deviationOf } from "./reference/deviations.ts";
import { cases } from "./reference/golden-ops.ts";

/** SwiftShader computes Vulkan on the CPU: right, and about a thousand times slower than a graphics card. */
const flags = [
  "--enable-unsafe-webgpu",
  "--use-webgpu-adapter=swiftshader",
  "--enable-features=Vulkan",
];

async function pageScript(): Promise<string> {
  const built = await build({
    entryPoints: ["tests/reference/webgpu-page.ts"],
    bundle: true,
    write: false,
    format: "esm",
    target: "es2023",
    platform: "browser",
    plugins: [browserField],
  });
  return built.outputFiles[0].text;
}

const ortFolder = dirname(createRequire(import.meta.url).resolve("onnxruntime-web"));
const types: Readonly<Record<string, string>> = {
  html: "text/html",
  js: "text/javascript",
  mjs: "text/javascript",
  wasm: "application/wasm",
  json: "application/json",
};

/** Serves the page, the goldens and ONNX Runtime's own files. */
async function serve(): Promise<Server> {
  const made = new Map([
    ["/", "<!doctype html><script type=module src=/page.js></script>"],
    ["/page.js", await pageScript()],
  ]);
  const read = async (path: string) =>
    made.get(path) ??
    readFile(join(path.startsWith("/ort-") ? ortFolder : "tests/goldens/ops", path));
  const server = createServer((request, response) => {
    const path = request.url ?? "/";
    const type = types[path === "/" ? "html" : (path.split(".").at(-1) ?? "")];
    read(path).then(
      (body) => response.writeHead(200, type ? { "content-type": type } : {}).end(body),
      () => response.writeHead(404).end(),
    );
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  return server;
}

const runOpCase = (name: string) =>
  (globalThis as unknown as { runOpCase(name: string): Promise<number | string> }).runOpCase(name);

describeChromium("golden ops on WebGPU in software", (launch) => {
  let server: Server;
  let browser: Browser;
  let page: Page;
  beforeAll(async () => {
    server = await serve();
    browser = await launch({ flags });
    page = await browser.newPage();
    await page.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
  }, 120_000);
  afterAll(async () => {
    await browser?.close();
    server?.close();
  });

  test.each(cases.map((one) => [one.name, one] as const))("%s", async (name, one) => {
    const result = await page.evaluate(runOpCase, name);
    const reason = deviationOf({ engine: "webgpu" }, `ops/${name}`)?.reason ?? null;
    const tensors = Object.keys(one.outputs).length + Object.keys(one.grads).length;
    if (reason !== null) return expect(result, `no longer differs: ${reason}`).not.toBe(tensors);
    if (typeof result === "string") expect.fail(result);
    expect(result).toBe(tensors);
  });
});
