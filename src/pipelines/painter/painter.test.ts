/** @file A model behind a URL, drawn through the messages between a page and its worker, against the same model in a folder. */
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { toSentError } from "../../base/index.ts";
import { wasmEngine } from "../../runtime/index.ts";
import { finish, type Generation } from "../generation.ts";
import { load as loadFolder } from "../loading/load.node.ts";
import { load } from "../loading/load-remote.ts";
import { openPainter, type Painter, type PainterPort } from "./painter.ts";
import type { PainterEvent } from "./protocol.ts";
import { servePainter, type WorkerScope } from "./worker.ts";
import { textToImage } from "../text-to-image.ts";

const folder = "tests/goldens/models/sd1";
const request = { prompt: "a cat", seed: 3, steps: 6, sampler: "Euler", width: 32, height: 32 };

/** A server of the folder that knows ranges, and what it was asked for. */
async function serve(): Promise<{ url: string; asked: string[] }> {
  const asked: string[] = [];
  const server = createServer((request, response) => {
    const path = (request.url ?? "").replace("/models/sd1/", "");
    asked.push([path, request.headers.range ?? ""].join(" ").trim());
    readFile(join(folder, path)).then(
      (bytes) => {
        const [, from, to] = /bytes=(\d+)-(\d+)/.exec(request.headers.range ?? "") ?? [];
        if (from === undefined) return response.end(bytes);
        const part = bytes.subarray(Number(from), Number(to) + 1);
        const range = `bytes ${from}-${Number(from) + part.length - 1}/${bytes.length}`;
        return response.writeHead(206, { "content-range": range }).end(part);
      },
      () => response.writeHead(404).end(),
    );
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  onTestFinished(() => void server.close());
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/models/sd1/`, asked };
}

/** A painter whose worker is the other end of a channel, in this thread. */
function painterAt(url: string): Promise<Painter> {
  const { port1, port2 } = new MessageChannel();
  onTestFinished(() => port1.close());
  // A port listens when it is started, a worker from the first; both tell of messages in the same way.
  servePainter(port2 as unknown as WorkerScope, (at, options) =>
    load(at, { ...options, engine: (read) => wasmEngine({ read }) }),
  );
  port1.start();
  port2.start();
  return openPainter(port1 as unknown as Parameters<typeof openPainter>[0], url);
}

async function collect(
  run: AsyncGenerator<PainterEvent, Generation, void>,
): Promise<{ events: PainterEvent[]; result: Generation }> {
  const events: PainterEvent[] = [];
  const result = await finish(run, (event) => events.push(event));
  return { events, result };
}

test("draws what the same model draws from its folder, and tells every step", async () => {
  const { url, asked } = await serve();
  const painter = await painterAt(url);
  expect(painter.model).toMatchObject({ name: "sd1", engine: { name: "wasm" } });
  expect(asked.filter((path) => path.includes("safetensors") && !path.includes("bytes"))).toEqual(
    [],
  );

  const { events, result } = await collect(painter.draw(request, { previews: 2 }));
  expect(events.map(({ type }) => type)).toEqual([
    "encoded",
    "initial",
    ...Array<string>(6).fill("step"),
    "decoding",
  ]);
  const steps = events.filter((event) => event.type === "step");
  expect(steps.map(({ step }) => step)).toEqual([1, 2, 3, 4, 5, 6]);
  expect(steps.filter(({ preview }) => preview).map(({ step }) => step)).toEqual([2, 4]);
  const whole = asked.filter((path) => path.includes("safetensors") && !path.includes("bytes"));
  expect(whole).toHaveLength(3);

  await using local = await loadFolder(folder);
  const wanted = await finish(textToImage(local, request));
  expect(result.seeds).toEqual(wanted.seeds);
  expect(result.latents.shape).toEqual(wanted.latents.shape);
  const off = result.latents.data.map((x, i) => Math.abs(x - wanted.latents.data[i]));
  expect(Math.max(...off)).toBeLessThan(1e-3);
  const pixels = result.images[0].data.map((x, i) => Math.abs(x - wanted.images[0].data[i]));
  expect(Math.max(...pixels)).toBeLessThanOrEqual(1);
  await painter.close();
});

test("a drawing is stopped between steps, and the next one is drawn", async () => {
  const { url } = await serve();
  const painter = await painterAt(url);
  const controller = new AbortController();
  const reason = new Error("enough");
  const run = painter.draw(request, { signal: controller.signal });
  await expect(
    (async () => {
      for await (const event of run) if (event.type === "step") controller.abort(reason);
    })(),
  ).rejects.toBe(reason);
  // Left by its reader instead: that stops it too.
  for await (const event of painter.draw(request)) if (event.type === "step") break;
  const { events } = await collect(painter.draw({ ...request, steps: 2 }));
  expect(events.filter(({ type }) => type === "step")).toHaveLength(2);
  await painter.close();
});

test("what the worker refuses arrives as the error that it was", async () => {
  const { url } = await serve();
  await expect(painterAt(`${url}nowhere/`)).rejects.toMatchObject({
    name: "FormatError",
    message: `${url}nowhere/model_index.json is not there`,
  });
  const painter = await painterAt(url);
  await expect(painter.draw({ ...request, steps: 0 }).next()).rejects.toMatchObject({
    name: "RequestError",
    field: "steps",
  });
  await painter.close();
});

/** A worker that hears and says nothing, and what it was told. */
function silentWorker() {
  const told: string[] = [];
  const target = new EventTarget();
  const say = (data: unknown) => target.dispatchEvent(new MessageEvent("message", { data }));
  const worker = {
    postMessage: ({ type }: { type: string }) => void told.push(type),
    addEventListener: (type: string, listener: (event: never) => void) =>
      target.addEventListener(type, listener as (event: Event) => void),
    terminate: () => void told.push("terminated"),
  };
  const die = () => target.dispatchEvent(Object.assign(new Event("error"), { message: "boom" }));
  return { worker: worker as PainterPort, told, say, die };
}

test("a worker that dies fails its drawings, and every drawing after its death", async () => {
  const { worker, told, say, die } = silentWorker();
  const opening = openPainter(worker, "https://models/sd1/");
  say({ type: "opened", model: { name: "sd1" } });
  const painter = await opening;
  const running = painter.draw(request).next();
  expect(painter.failure).toBeNull();
  die();
  expect(painter.failure?.message).toContain("boom");
  await expect(running).rejects.toThrow("the worker that draws has failed: boom");
  await expect(painter.draw(request).next()).rejects.toThrow("has failed: boom");
  await painter.close();
  expect(told).toContain("terminated");
});

test("a worker that dies while it opens, or closes, leaves nobody waiting", async () => {
  const first = silentWorker();
  const opening = openPainter(first.worker, "https://models/sd1/");
  first.die();
  await expect(opening).rejects.toThrow("has failed: boom");

  const second = silentWorker();
  const later = openPainter(second.worker, "https://models/sd1/");
  second.say({ type: "opened", model: { name: "sd1" } });
  const painter = await later;
  const closing = painter.close();
  await expect(painter.draw(request).next()).rejects.toThrow("the painter was closed");
  second.die();
  await closing;
});

test("a worker that refuses the model is closed", async () => {
  const { worker, told, say } = silentWorker();
  const opening = openPainter(worker, "https://models/sd1/");
  say({ type: "refused", error: toSentError(new Error("no such model")) });
  await expect(opening).rejects.toThrow("no such model");
  expect(told).toEqual(["open", "close"]);
  const other = silentWorker();
  await expect(openPainter(other.worker, "no URL")).rejects.toMatchObject({ field: "model" });
  expect(other.told).toEqual(["close"]);
});
