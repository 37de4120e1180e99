import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { manifestName, publish, type Manifest } from "./installed.ts";

const root = () => {
  const folder = mkdtempSync(join(tmpdir(), "limn installed "));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  return folder;
};

/** A version's folder; `mark` tells it from one of the same contents. */
function version(folder: string, mark: string, sha256 = "a"): string {
  mkdirSync(folder);
  const manifest: Manifest = {
    version: "2026.4.1",
    devices: "cpu",
    wheel: { name: "a.whl", sha256, from: "pip" },
    files: [{ path: "library", bytes: 4, sha256: "b" }],
  };
  writeFileSync(join(folder, "library"), "code");
  writeFileSync(join(folder, manifestName), JSON.stringify(manifest));
  writeFileSync(join(folder, "mark"), mark);
  return folder;
}

test("the same version, whole, stays: its libraries may be in use", async () => {
  const at = root();
  const target = version(join(at, "2026.4.1"), "first");
  await publish(version(join(at, "fresh"), "second"), target, join(at, "aside"));
  expect(readFileSync(join(target, "mark"), "utf8")).toBe("first");
});

test("another one, or a torn one, gives way", async () => {
  for (const spoil of [
    (folder: string) => writeFileSync(join(folder, "library"), "cod"),
    (folder: string) => rmSync(join(folder, manifestName)),
    (folder: string) => {
      rmSync(folder, { recursive: true });
      version(folder, "first", "another");
    },
  ]) {
    const at = root();
    const target = version(join(at, "2026.4.1"), "first");
    spoil(target);
    await publish(version(join(at, "fresh"), "second"), target, join(at, "aside"));
    expect(readFileSync(join(target, "mark"), "utf8")).toBe("second");
  }
});
