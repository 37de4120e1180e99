/** @file Finding OpenVINO's library, and saying what is wrong with one that is of no use. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, expect, onTestFinished, test, vi } from "vitest";
import { EngineError } from "../../base/index.ts";
import {
  compareVersions,
  findOpenVino,
  locateOpenVino,
  refuseGone,
  refuseOld,
} from "./library.node.ts";
import { openVinoEngine } from "./engine.node.ts";

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "limn openvino "));
  onTestFinished(() => rmSync(root, { recursive: true }));
  vi.stubEnv("LIMN_OPENVINO", "");
  vi.stubEnv("LIMN_DATA", root);
  vi.stubEnv("INTEL_OPENVINO_DIR", "");
});
afterEach(() => void vi.unstubAllEnvs());

function place(version: string, bytes: Uint8Array | string = ""): string {
  const folder = join(root, "engines", "openvino", version);
  mkdirSync(folder, { recursive: true });
  const file = join(folder, "libopenvino_c.so.2641");
  writeFileSync(file, bytes);
  return file;
}

test("the newest version of the data folder is taken", () => {
  place("2026.4.1");
  const newest = place("2026.10.0");
  place("2025.4.1");
  expect(locateOpenVino()).toEqual({
    folder: join(root, "engines", "openvino", "2026.10.0"),
    file: newest,
    source: "data folder",
  });
});

test("LIMN_OPENVINO comes first, as a folder or as the file itself", () => {
  place("2026.4.1");
  const folder = join(root, "mine");
  mkdirSync(folder);
  const file = join(folder, "libopenvino_c.so");
  writeFileSync(file, "");
  for (const name of [folder, file]) {
    vi.stubEnv("LIMN_OPENVINO", name);
    expect(locateOpenVino()).toEqual({ folder, file, source: "LIMN_OPENVINO" });
  }
  vi.stubEnv("LIMN_OPENVINO", root);
  expect(locateOpenVino).toThrow(`LIMN_OPENVINO is ${root}, where no OpenVINO C library lies`);
});

/** The beginning of an ELF library for a machine, by its number. */
function elf(machine: number): Uint8Array {
  const bytes = Buffer.alloc(4096);
  bytes.write("\x7fELF\x02\x01\x01", "latin1");
  bytes.writeUInt16LE(3, 16);
  bytes.writeUInt16LE(machine, 18);
  return bytes;
}

test("a library that is none, or for another machine, is told in one sentence", async () => {
  const text = place("2026.4.1", "not a library");
  expect(findOpenVino).toThrow(`${text} cannot be loaded: `);
  await expect(openVinoEngine()).rejects.toThrow(`${text} cannot be loaded: `);
  const other = place("2026.4.2", elf(process.arch === "arm64" ? 62 : 183));
  const made = process.arch === "arm64" ? "x64" : "arm64";
  expect(findOpenVino).toThrow(`${other} is made for ${made}, this machine is ${process.arch}`);
  const odd = place("2026.4.3", elf(243));
  expect(findOpenVino).toThrow(`${odd} is made for another machine, this machine is`);
});

test.each([
  "libopenvino_intel_cpu_plugin.so",
  "libopenvino_arm_cpu_plugin.so",
  "libopenvino_onnx_frontend.so.2641",
  "libtbb.so.12",
])("a library whose %s is cut short is not loaded", (name) => {
  const folder = dirname(place("2026.4.1", "not a library"));
  const head = Buffer.from(elf(62).subarray(0, 64));
  head.writeBigUInt64LE(64n, 32); // its program headers would begin where it ends
  head.writeUInt16LE(56, 54);
  head.writeUInt16LE(1, 56);
  writeFileSync(join(folder, name), head);
  expect(findOpenVino).toThrow(`${join(folder, name)} is cut short`);
});

test("files that were removed while the library is in use are told", () => {
  const file = place("2026.4.1");
  const folder = dirname(file);
  writeFileSync(join(folder, "libopenvino_intel_cpu_plugin.so"), "");
  const parts = ["libopenvino_c.so.2641", "libopenvino_intel_cpu_plugin.so"];
  const found = { folder, file, source: "data folder", version: "2026.4.1", parts } as const;
  refuseGone(found, "");
  rmSync(join(folder, parts[1]));
  const end = `OpenVINO 2026.4.1 was removed from ${folder} while in use`;
  expect(() => refuseGone(found, "")).toThrow(`${parts[1]} of ${end}`);
  rmSync(folder, { recursive: true });
  expect(() => refuseGone(found, "")).toThrow(
    new EngineError(end, { hint: "limn engines install openvino", cause: "" }),
  );
});

test.each(["2024.6.0", "1.2"])("%s is refused as too old", (version) => {
  const words = `OpenVINO ${version} in /lib is too old: limn needs 2025.0 or newer`;
  expect(() => refuseOld(version, "/lib")).toThrow(words);
});

test.each(["2025.0.0", "2025.0", "2026.4.1"])("%s is new enough", (version) => {
  expect(() => refuseOld(version, "/lib")).not.toThrow();
});

test("versions are compared by number", () => {
  const sorted = ["2026.10.0", "2026.4.1", "2026.4", "2025.4.1"];
  expect([...sorted].sort((a, b) => compareVersions(b, a))).toEqual(sorted);
  expect(compareVersions("2.28", "2.28.0")).toBe(0);
});
