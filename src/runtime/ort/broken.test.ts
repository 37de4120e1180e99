/** @file Files that are not ONNX Runtime's library, or not whole: each an EngineError, whatever the loader throws. */
import {
  copyFileSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test, vi } from "vitest";
import { ortEngine } from "../index.ts";
import { libraryPath } from "./library.node.ts";

const place = vi.hoisted(() => ({ file: "" }));
vi.mock("./library.node.ts", async (original) => ({
  ...(await original<object>()),
  libraryPath: () => place.file,
}));
const real = (await vi.importActual<{ libraryPath: typeof libraryPath }>("./library.node.ts"))
  .libraryPath;

const linux = process.platform === "linux";
const otherMachine = process.arch === "x64" ? 183 : 62; // ELF's e_machine of arm64, of x64

type Case = readonly [what: string, write: (file: string) => void, message: string | RegExp];
const cases: readonly Case[] = [
  ["nothing", (file) => writeFileSync(file, ""), "cannot be loaded: "],
  ["text", (file) => writeFileSync(file, "text ".repeat(99)), "cannot be loaded: "],
  ["no file", () => undefined, "cannot be loaded: "],
  ...(linux
    ? ([
        [
          "half of it",
          (file: string) => {
            copyFileSync(real(), file);
            truncateSync(file, readFileSync(file).length / 2);
          },
          "is cut short",
        ],
        [
          "one for another machine",
          (file: string) => {
            const bytes = readFileSync(real());
            bytes.writeUInt16LE(otherMachine, 18);
            writeFileSync(file, bytes);
          },
          /is made for \w+, this machine is \w+/,
        ],
      ] as const satisfies readonly Case[])
    : []),
  [
    "another library",
    (file) => {
      const koffi = createRequire(createRequire(import.meta.url).resolve("koffi"));
      const { platform, arch } = process;
      const folder = join(
        koffi.resolve(`@koromix/koffi-${platform}-${arch}/package.json`),
        "..",
        `${platform}_${arch}`,
      );
      copyFileSync(join(folder, "koffi.node"), file);
    },
    "is not ONNX Runtime's library",
  ],
];

test.each(cases)("%s", async (_, write, message) => {
  const folder = mkdtempSync(join(tmpdir(), "limn broken "));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  place.file = join(folder, "libonnxruntime.so.1");
  write(place.file);
  const opened = ortEngine();
  await expect(opened).rejects.toMatchObject({
    name: "EngineError",
    message: expect.stringMatching(message) as string,
    hint: "install onnxruntime-node anew",
  });
  await expect(opened).rejects.toThrow(place.file);
});

test("a broken library keeps nobody from a whole one", async () => {
  place.file = join(tmpdir(), "nowhere", "libonnxruntime.so.1");
  await expect(ortEngine()).rejects.toThrow("cannot be loaded");
  place.file = real();
  expect((await ortEngine()).name).toBe("ort");
});
