/** @file What a package index is told and believed: a server on this machine plays it. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { offering, serve, sha256Of, type Answers } from "../../../tests/reference/fake-index.ts";
import { download, listFiles, type IndexFile } from "./package-index.ts";

const bytes = Buffer.from("a wheel, as far as it matters here");
const name = "openvino-2026.4.1-py3-none-any.whl";
const { signal } = new AbortController();

function fetched(file: IndexFile): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "limn index "));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  return download(file, join(folder, "file"), { signal, onBytes: () => undefined });
}

test("words for an index open its own files, and are told to no other server", async () => {
  const heard: (string | undefined)[] = [];
  const listening: Answers = {
    [`/files/${name}`]: ({ headers }, response) => {
      heard.push(headers.authorization);
      response.end(bytes);
    },
  };
  await using other = await serve(listening);
  const elsewhere = { filename: name, url: `${other.url}/files/${name}` };
  const here = { ...elsewhere, url: `../../files/${name}` };
  const files = [here, elsewhere].map((file) => ({ ...file, hashes: { sha256: sha256Of(bytes) } }));
  await using index = await serve({
    ...listening,
    "/simple/openvino/": (_, response) =>
      response
        .writeHead(200, { "content-type": "application/json" })
        .end(JSON.stringify({ files })),
  });
  const address = new URL(`${index.url.replace("//", "//me:se%20cret@")}/simple/`);
  for (const file of await listFiles(address, "openvino", signal)) await fetched(file);
  expect(heard).toEqual([`Basic ${btoa("me:se cret")}`, undefined]);
});

test("a server that breaks off is told by name", async () => {
  const torn = offering([{ name, bytes }], {
    [`/files/${name}`]: (_, response) => {
      response.writeHead(200, { "content-length": bytes.length });
      response.write(bytes.subarray(0, 10), () => response.destroy());
    },
  });
  await using index = await serve(torn);
  const [file] = await listFiles(new URL(`${index.url}/simple/`), "openvino", signal);
  await expect(fetched(file)).rejects.toThrow(/^127\.0\.0\.1:\d+ broke off: /);
});
