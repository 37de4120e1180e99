/** @file Bringing a model and its weight files together where OpenVINO may read them. */
import { existsSync } from "node:fs";
import * as fs from "node:fs/promises";
import {
  mkdir,
  mkdtemp,
  readFile,
  readdir,
  rm,
  stat,
  symlink,
  truncate,
  writeFile,
} from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, onTestFinished, test, vi } from "vitest";
import { bringWeights, gatherWeights } from "./weights.node.ts";

vi.mock("node:fs/promises", async (original) => ({ ...(await original<typeof fs>()) }));

let root: string;
let folder: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "limn gather "));
  onTestFinished(() => rm(root, { recursive: true }));
  vi.stubEnv("LIMN_CACHE", join(root, "cache"));
  folder = join(root, "cache", "f32");
});
afterEach(() => {
  vi.restoreAllMocks();
  vi.unstubAllEnvs();
});

const text = (bytes: string) => new TextEncoder().encode(bytes);

test("a weight file gets a second name, a twin keeps its own, and both names go", async () => {
  const file = join(root, "weights.safetensors");
  await writeFile(file, "weights");
  await symlink(file, join(root, "link.safetensors"));
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, "twin.safetensors"), "twin");
  {
    const twin = join(folder, "twin.safetensors");
    const link = join(root, "link.safetensors");
    await using gathered = await gatherWeights([twin, link, link]);
    expect(gathered.nameOf(twin)).toBe("twin.safetensors");
    const second = join(folder, gathered.nameOf(link));
    expect((await stat(second)).ino).toBe((await stat(file)).ino);
    expect(await readFile(await gathered.write(text("model")), "utf8")).toBe("model");
    expect((await readdir(folder)).length).toBe(3);
  }
  expect(await readdir(folder)).toEqual(["twin.safetensors"]);
  expect(await readFile(file, "utf8")).toBe("weights");
});

test("where a second name cannot be had the file is copied once", async () => {
  const file = join(root, "weights.safetensors");
  await writeFile(file, "weights");
  vi.spyOn(fs, "link").mockRejectedValue(new Error("EXDEV"));
  const copied = vi.spyOn(fs, "copyFile");
  const copies = async () => (await readdir(folder)).filter((name) => name.endsWith(".copy"));
  for (const [time, made] of [
    ["makes", 1],
    ["finds", 1],
    ["makes anew what was cut short", 2],
  ] as const) {
    if (made === 2) await truncate(join(folder, (await copies())[0]), 3);
    await using gathered = await gatherWeights([file]);
    expect(await readFile(join(folder, gathered.nameOf(file)), "utf8"), time).toBe("weights");
    expect(copied).toHaveBeenCalledTimes(made);
  }
  expect(await copies()).toHaveLength(1);
});

test("weights get a second name for a compilation: of the file, else of its copy, else a copy", async () => {
  const file = join(root, "weights.safetensors");
  await writeFile(file, "weights");
  const bring = async (name: string) => {
    const second = join(root, "cache", name);
    await bringWeights(file, second);
    expect(await readFile(second, "utf8")).toBe("weights");
    return (await stat(second)).ino;
  };
  await mkdir(folder, { recursive: true });
  expect(await bring("first")).toBe((await stat(file)).ino);
  const refused = Object.assign(new Error("EPERM"), { code: "EPERM", syscall: "link" });
  const { link } = fs;
  vi.spyOn(fs, "link").mockImplementation((from, to) =>
    from === file ? Promise.reject(refused) : link(from, to),
  );
  const copied = await bring("second");
  const [copy] = (await readdir(folder)).filter((name) => name.endsWith(".copy"));
  expect(copied).toBe((await stat(join(folder, copy))).ino);
  vi.spyOn(fs, "link").mockRejectedValue(refused);
  expect(await bring("third")).not.toBe(copied);
  vi.spyOn(fs, "copyFile").mockRejectedValue(refused);
  await expect(bringWeights(file, join(root, "cache", "fourth"))).rejects.toBe(refused);
  expect((await readdir(folder)).filter((name) => name.startsWith("reading-"))).toEqual([]);
});

test("what a killed process left is removed when it is old, and a running one's is not", async () => {
  await mkdir(folder, { recursive: true });
  const left = join(folder, `reading-${crypto.randomUUID()}.data`);
  const other = join(folder, "twin.safetensors");
  await writeFile(left, "left");
  await writeFile(other, "twin");
  {
    await using gathered = await gatherWeights([]);
    await gathered.write(text("model"));
  }
  expect(existsSync(left)).toBe(true);
  const real = fs.stat;
  vi.spyOn(fs, "stat").mockImplementation((async (path: string) => {
    const its = await real(path);
    if (path === left || path === other) its.ctimeMs -= 2 * 3_600_000;
    return its;
  }) as typeof fs.stat);
  await using gathered = await gatherWeights([]);
  await gathered.write(text("model"));
  expect([existsSync(left), existsSync(other)]).toEqual([false, true]);
});

test("a missing weight file and a cache that cannot be written are told", async () => {
  await expect(gatherWeights([join(root, "gone")])).rejects.toThrow(/weight file .*gone is gone/);
  vi.stubEnv("LIMN_CACHE", "/dev/null/cache");
  await expect(gatherWeights([])).rejects.toThrow("cannot hold a model for OpenVINO to read");
});
