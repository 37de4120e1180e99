/** @file A package index on this machine, and wheels that look like OpenVINO's and hold a few bytes. */
import { createHash } from "node:crypto";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { zipOf, type PlainEntry } from "./zip.ts";

/** What a wheel for Linux on x64 has, as far as it matters. */
export const wheelFiles: Readonly<Record<string, string>> = {
  "openvino/__init__.py": "python",
  "openvino/libs/libopenvino.so.2641": "core",
  "openvino/libs/libopenvino_c.so.2641": "c",
  "openvino/libs/libopenvino_intel_cpu_plugin.so": "cpu plugin",
  "openvino/libs/libopenvino_intel_gpu_plugin.so": "gpu plugin",
  "openvino/libs/libopenvino_onnx_frontend.so.2641": "onnx",
  "openvino/libs/libtbb.so.12": "tbb",
  "openvino-2026.4.1.dist-info/licenses/LICENSE": "Apache",
};

/** A wheel of these files. `more` are entries that RECORD knows too; `vouched` takes the place of what RECORD says. */
export function wheelOf(
  files: Readonly<Record<string, string>> = wheelFiles,
  {
    more = [],
    vouched = {},
  }: { more?: readonly PlainEntry[]; vouched?: Record<string, string> } = {},
): Buffer {
  const entries = [
    ...Object.entries(files).map(([path, text]) => ({ path, data: Buffer.from(text) })),
    ...more,
  ];
  const lines = entries.map(({ path, data }) => {
    const hash = createHash("sha256")
      .update(vouched[path] ?? data)
      .digest("base64url");
    return `${path},sha256=${hash},${data.length}`;
  });
  const path = "openvino-2026.4.1.dist-info/RECORD";
  return zipOf([...entries, { path, data: Buffer.from([...lines, `${path},,`].join("\n")) }]);
}

export const sha256Of = (bytes: Uint8Array): string =>
  createHash("sha256").update(bytes).digest("hex");

/** Answers by path; everything else is not found. */
export type Answers = Readonly<
  Record<string, (request: IncomingMessage, response: ServerResponse) => void>
>;

/** A server on this machine until disposed. */
export async function serve(answers: Answers): Promise<{ url: string } & AsyncDisposable> {
  const server = createServer((request, response) => {
    const answer = answers[request.url ?? ""];
    if (answer) answer(request, response);
    else response.writeHead(404).end();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** One file of an index's listing; what is left out is told truly. */
export interface Offer {
  readonly name: string;
  readonly bytes: Buffer;
  readonly sha256?: string;
  readonly size?: number | null;
  readonly yanked?: string;
}

/** An index that offers files of the project openvino at `/simple/`. */
export function offering(offers: readonly Offer[], more: Answers = {}): Answers {
  const files = offers.map(
    ({ name, bytes, sha256 = sha256Of(bytes), size = bytes.length, yanked }) => ({
      filename: name,
      url: `../../files/${name}`,
      hashes: { sha256 },
      ...(size === null ? {} : { size }),
      ...(yanked === undefined ? {} : { yanked }),
    }),
  );
  const listing = JSON.stringify({ meta: { "api-version": "1.1" }, name: "openvino", files });
  return {
    "/simple/openvino/": (_, response) =>
      response
        .writeHead(200, { "content-type": "application/vnd.pypi.simple.v1+json" })
        .end(listing),
    ...Object.fromEntries(
      offers.map(({ name, bytes }) => [
        `/files/${name}`,
        (_: IncomingMessage, response: ServerResponse) => response.end(bytes),
      ]),
    ),
    ...more,
  };
}
