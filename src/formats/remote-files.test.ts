/** @file Files over HTTP: ranges, servers without them, pages in the place of files, changes, and what the store keeps. */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { beforeEach, expect, onTestFinished, test } from "vitest";
import { noStore, type FileKey, type FileStore } from "./file-store.ts";
import { folderUrl, RemoteFiles, type Download } from "./remote-files.ts";
import { layOut } from "./safetensors.ts";

const numbers = Float32Array.from({ length: 50_000 }, (_, i) => i);
const { header } = layOut(
  [
    { name: "zeros", dtype: "f32", shape: [3] },
    { name: "numbers", dtype: "f32", shape: [50_000] },
  ],
  new Map(),
);
const weights = new Uint8Array(header.length + 12 + numbers.byteLength);
weights.set(header);
weights.set(new Uint8Array(numbers.buffer), header.length + 12);

/** What the server was asked: path and range. */
let asked: string[] = [];
beforeEach(() => (asked = []));

type Answer = (request: IncomingMessage, response: ServerResponse) => void;

async function serve(answer: Answer): Promise<string> {
  const server = createServer((request, response) => {
    asked.push([request.method, request.url, request.headers.range].join(" ").trim());
    answer(request, response);
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  onTestFinished(() => void server.close());
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
}

const ranged: (etag?: () => string) => Answer =
  (etag = () => '"1"') =>
  ({ url, headers }, response) => {
    if (!url?.includes("weights")) return void response.writeHead(404).end("no");
    const [, from, to] = /bytes=(\d+)-(\d+)/.exec(headers.range ?? "") ?? [];
    if (from === undefined) return void response.writeHead(200, { etag: etag() }).end(weights);
    const part = weights.subarray(Number(from), Number(to) + 1);
    const end = Number(from) + part.length - 1;
    const range = `bytes ${from}-${end}/${weights.length}`;
    response.writeHead(206, { etag: etag(), "content-range": range }).end(part);
  };

test("the index takes one request of 64 kB, the first tensor the whole file, the next nothing", async () => {
  const base = await serve(ranged());
  const heard: Download[] = [];
  const files = new RemoteFiles({ store: noStore, onDownload: (d) => heard.push(d) });
  const { tensors } = await files.openSafetensors(`${base}weights.safetensors`);
  expect(asked).toEqual(["GET /weights.safetensors bytes=0-65535"]);
  expect(heard).toEqual([]);
  const place = tensors.get("numbers");
  if (!place) throw new Error("no tensor");
  const bytes = await files.read(place.file, place.offset, place.length);
  expect(new Float32Array(bytes.buffer)).toEqual(numbers);
  await files.read(place.file, 0, 8);
  expect(asked.slice(1)).toEqual(["GET /weights.safetensors"]);
  expect(heard[0].loaded).toBe(0);
  expect(heard.at(-1)).toMatchObject({ loaded: weights.length, total: weights.length });
  await expect(files.read(place.file, weights.length - 4, 8)).rejects.toThrow("bytes are needed");
});

test("a server without ranges is asked once", async () => {
  const base = await serve((_, response) => void response.end(weights));
  const files = new RemoteFiles({ store: noStore });
  const url = `${base}weights.safetensors`;
  expect((await files.openSafetensors(url)).tensors.size).toBe(2);
  expect(new Uint8Array(await files.read(url, 0, weights.length))).toEqual(weights);
  expect(asked).toHaveLength(1);
});

test("what is missing is undefined, and so is a page in its place; other answers are errors", async () => {
  const base = await serve(({ url }, response) => {
    if (url === "/page")
      return void response
        .setHeader("content-type", "text/html; charset=utf-8")
        .end("<!doctype html>");
    if (url === "/secret") return void response.writeHead(403).end();
    return void response.writeHead(404).end();
  });
  const files = new RemoteFiles({ store: noStore });
  for (const name of ["page", "nothing"]) {
    expect(await files.text(base + name)).toBeUndefined();
    expect(await files.has(base + name)).toBe(false);
  }
  await expect(files.openSafetensors(`${base}nothing`)).rejects.toThrow("nothing is not there");
  await expect(files.text(`${base}secret`)).rejects.toThrow("answered 403: it wants a permission");
  await expect(files.text("http://127.0.0.1:1/x")).rejects.toMatchObject({
    code: "engine",
    message: "http://127.0.0.1:1/x cannot be reached",
  });
});

test("a file that changes between its header and its weights is refused", async () => {
  let version = 0;
  const base = await serve(ranged(() => `"${version++}"`));
  const files = new RemoteFiles({ store: noStore });
  await expect(files.read(`${base}weights`, 0, 8)).rejects.toThrow("was changed while it was read");
});

test("the store is asked first and told the URL, version and size", async () => {
  const base = await serve(ranged());
  const keys: FileKey[] = [];
  const store: FileStore = {
    ...noStore,
    get: (key) => {
      keys.push(key);
      return Promise.resolve(new Blob([weights]));
    },
  };
  const files = new RemoteFiles({ store });
  await files.read(`${base}weights`, 0, 8);
  expect(keys).toEqual([{ url: `${base}weights`, version: '"1"', size: weights.length }]);
  expect(asked).toHaveLength(1);
  expect(await files.version(`${base}weights`)).toBe(`${base}weights "1" ${weights.length}`);
});

test("shards are found beside their list", async () => {
  const list = JSON.stringify({
    weight_map: { zeros: "a-weights.safetensors", numbers: "b-weights.safetensors" },
  });
  const base = await serve((request, response) =>
    request.url?.endsWith(".json") ? void response.end(list) : ranged()(request, response),
  );
  const files = new RemoteFiles({ store: noStore });
  const { tensors } = await files.openSafetensors(`${base}unet/model.safetensors.index.json`);
  expect([...tensors].map(([name, { file }]) => [name, file])).toEqual([
    ["zeros", `${base}unet/a-weights.safetensors`],
    ["numbers", `${base}unet/b-weights.safetensors`],
  ]);
});

test("of an endless text no more is read than any text may have", async () => {
  let sent = 0;
  const base = await serve((_, response) => {
    const chunk = Buffer.alloc(2 ** 20, " ");
    const more = () => {
      while (!response.destroyed && response.write(chunk)) sent += chunk.length;
    };
    response.on("drain", more);
    more();
  });
  const files = new RemoteFiles({ store: noStore });
  await expect(files.text(`${base}endless.json`)).rejects.toThrow(
    `${base}endless.json: more than ${2 ** 25} bytes came`,
  );
  // Beside what was read, a few megabytes lie in the buffers of the two ends.
  expect(sent).toBeLessThan(2 ** 26);
});

test("a server that answers a range with more is refused", async () => {
  const base = await serve(({ headers }, response) => {
    expect(headers.range).toBe("bytes=0-65535");
    const range = `bytes 0-65535/${weights.length}`;
    response.writeHead(206, { "content-range": range }).end(weights.subarray(0, 65537));
  });
  const files = new RemoteFiles({ store: noStore });
  await expect(files.has(`${base}weights`)).rejects.toThrow("more than 65536 bytes came");
});

test("a folder's URL ends in a slash", () => {
  expect(folderUrl("models/emblem", "https://example.org/page/")).toBe(
    "https://example.org/page/models/emblem/",
  );
  expect(() => folderUrl("models/emblem")).toThrow("must be the URL of a model folder");
});
