/** @file Folders of compiled models: whole or not at all, one maker at a time, bounded, and never a reason to fail. */
import {
  existsSync,
  mkdirSync,
  readdirSync,
  rmSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import * as fs from "node:fs/promises";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { RequestError } from "../../base/index.ts";
import { cacheKey, cacheLimit, openCompiled } from "./compiled.node.ts";

vi.mock("node:fs/promises", async (original) => ({ ...(await original<typeof fs>()) }));

let cache = "";
let root = "";
beforeEach(async () => {
  cache = await mkdtemp(join(tmpdir(), "limn compiled "));
  root = join(cache, "compiled");
  vi.stubEnv("LIMN_CACHE", cache);
});
afterEach(async () => {
  vi.unstubAllEnvs();
  vi.restoreAllMocks();
  await rm(cache, { recursive: true, force: true });
});

const key = (name: string) => cacheKey([name]);
/** Fills the place of a name with so many bytes. */
async function fill(name: string, bytes: number): Promise<string> {
  const place = await openCompiled(key(name), bytes);
  if (place?.state !== "empty") throw new Error(`${name} cannot be filled`);
  await writeFile(join(place.folder, "blob"), new Uint8Array(bytes));
  await place.keep();
  return place.folder;
}
const stateOf = async (name: string) => {
  const place = await openCompiled(key(name), 1);
  if (place?.state === "empty") await place.discard();
  return place?.state ?? null;
};
const left = () => readdirSync(root).sort();

test("what was kept is found whole, what was not is not", async () => {
  await fill("kept", 10);
  expect(await stateOf("kept")).toBe("whole");
  const place = await openCompiled(key("lost"), 10);
  await place?.discard();
  expect(await stateOf("lost")).toBe("empty");
  expect(left()).toEqual([key("kept")]);
});

test("keys tell every part from every other", () => {
  const keys = [["ab", "c"], ["a", "bc"], ["abc"], [new Uint8Array([97, 98, 99])], []].map(
    cacheKey,
  );
  expect(new Set(keys).size).toBe(4); // bytes and text are the same
});

test("of many that ask at once one fills, the others go without", async () => {
  const places = await Promise.all(Array.from({ length: 8 }, () => openCompiled(key("x"), 1)));
  expect(places.map((place) => place?.state ?? null).sort()).toEqual([
    "empty",
    ...Array<null>(7).fill(null),
  ]);
  await places.find((place) => place)?.keep();
  expect(await stateOf("x")).toBe("whole");
});

test("a maker that was killed leaves a place that is filled anew", async () => {
  const folder = join(root, key("x"));
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, "blob"), "half");
  writeFileSync(`${folder}.lock`, "999999999\n");
  const place = await openCompiled(key("x"), 1);
  expect([place?.state, readdirSync(folder)]).toEqual(["empty", []]);
  await place?.discard();
  expect(left()).toEqual([]);
});

test("a lock of a living process holds, but not for ever", async () => {
  mkdirSync(root, { recursive: true });
  const lock = join(root, `${key("x")}.lock`);
  writeFileSync(lock, `${process.pid}\n`);
  expect(await stateOf("x")).toBeNull();
  const hours = Date.now() / 1000 - 7200;
  utimesSync(lock, hours, hours);
  expect(await stateOf("x")).toBe("empty");
});

test("a file cut short, a lost one, a torn record and a moved folder are filled anew", async () => {
  const harm: ((folder: string) => void)[] = [
    (folder) => truncateSync(join(folder, "blob"), 5),
    (folder) => void writeFileSync(join(folder, "blob"), new Uint8Array(11)),
    (folder) => void writeFileSync(join(folder, "record.json"), '{"folder"'),
    (folder) =>
      void writeFileSync(join(folder, "record.json"), '{"folder":"/elsewhere","files":{}}'),
  ];
  for (const [i, hurt] of harm.entries()) {
    hurt(await fill(`x${i}`, 10));
    expect(await stateOf(`x${i}`)).toBe("empty");
  }
});

test("the longest unused go when all together are too large", async () => {
  vi.stubEnv("LIMN_CACHE_BYTES", "250");
  const folders = [await fill("a", 100), await fill("b", 100)];
  for (const [i, folder] of folders.entries())
    utimesSync(join(folder, "record.json"), 1000 + i, 1000 + i);
  const place = await openCompiled(key("a"), 100); // used again: now the younger one
  await place?.keep();
  await fill("c", 100);
  expect([await stateOf("a"), await stateOf("b"), await stateOf("c")]).toEqual([
    "whole",
    "empty",
    "whole",
  ]);
});

test("pruning takes along what killed processes left", async () => {
  mkdirSync(join(root, key("dead")), { recursive: true });
  writeFileSync(join(root, `${key("dead")}.lock`), "999999999\n");
  mkdirSync(join(root, key("no lock")));
  mkdirSync(join(root, `${key("x")}.abc.gone`));
  writeFileSync(join(root, `${key("x")}.lock.lock`), "999999999\n"); // of one that died while it removed its lock
  writeFileSync(join(root, `.${key("x")}.lock.${crypto.randomUUID()}.tmp`), "torn");
  await fill("a", 1);
  expect(left()).toEqual([key("a")]);
});

test("a lock that a killed process left beside a whole model goes alone", async () => {
  const folder = await fill("done", 1);
  writeFileSync(`${folder}.lock`, "999999999\n");
  await fill("a", 1);
  expect(left()).toEqual([key("a"), key("done")].sort());
  expect(await stateOf("done")).toBe("whole");
});

test("a model that another process removes while all are pruned costs no other", async () => {
  await fill("old", 1);
  const { stat } = fs;
  vi.spyOn(fs, "stat").mockImplementation((async (path: string) => {
    if (path === join(root, key("old"), "record.json"))
      rmSync(join(root, key("old")), { recursive: true, force: true });
    return stat(path);
  }) as typeof fs.stat);
  await fill("new", 1);
  vi.restoreAllMocks();
  expect([await stateOf("new"), await stateOf("old")]).toEqual(["whole", "empty"]);
});

test("a maker that was too slow touches nothing of the one that took its place over", async () => {
  const place = await openCompiled(key("x"), 1);
  const folder = place?.folder ?? "";
  writeFileSync(`${folder}.lock`, `${process.ppid}\n`);
  writeFileSync(join(folder, "blob"), "the other's");
  await place?.keep();
  await place?.discard();
  expect(left()).toEqual([key("x"), `${key("x")}.lock`]);
  expect(readdirSync(folder)).toEqual(["blob"]);
});

test("a place that cannot be made is free the next time", async () => {
  const refused = Object.assign(new Error("EACCES"), { syscall: "mkdir" });
  vi.spyOn(fs, "mkdir").mockImplementation((path) =>
    path === root ? Promise.resolve(undefined) : Promise.reject(refused),
  );
  mkdirSync(root);
  expect(await openCompiled(key("x"), 1)).toBeNull();
  vi.restoreAllMocks();
  expect(left()).toEqual([]);
  expect(await stateOf("x")).toBe("empty");
});

test("without second names for files models are kept all the same", async () => {
  const refused = Object.assign(new Error("EPERM"), { code: "EPERM", syscall: "link" });
  vi.spyOn(fs, "link").mockRejectedValue(refused);
  await fill("x", 1);
  expect(left()).toEqual([key("x")]);
  expect(await stateOf("x")).toBe("whole");
});

test("what is larger than all that is allowed is not cached", async () => {
  vi.stubEnv("LIMN_CACHE_BYTES", "50");
  expect(await openCompiled(key("x"), 51)).toBeNull();
  vi.stubEnv("LIMN_CACHE_BYTES", "0");
  expect(await openCompiled(key("x"), 1)).toBeNull();
  vi.stubEnv("LIMN_CACHE_BYTES", "lots");
  await expect(openCompiled(key("x"), 1)).rejects.toThrow(RequestError);
  vi.stubEnv("LIMN_CACHE_BYTES", "");
  expect(cacheLimit()).toBe(8e9);
});

/** A disk with so many bytes free. */
const free = (bytes: number) =>
  vi
    .spyOn(fs, "statfs")
    .mockResolvedValue({ bavail: bytes / 4096, bsize: 4096 } as Awaited<
      ReturnType<typeof fs.statfs>
    >);

test("on a full disk nothing is cached, and nothing is left", async () => {
  free(300e6);
  expect(await openCompiled(key("x"), 100e6)).toBeNull();
  free(1e9);
  const place = await openCompiled(key("x"), 100e6);
  await writeFile(join(place?.folder ?? "", "blob"), "cut sh");
  free(0); // it has become full meanwhile: what was written may be cut short
  await place?.keep();
  expect(left()).toEqual([]);
});

test("a record that cannot be written leaves nothing", async () => {
  const place = await openCompiled(key("x"), 1);
  vi.spyOn(fs, "rename").mockRejectedValueOnce(
    Object.assign(new Error("ENOSPC"), { code: "ENOSPC", syscall: "rename" }),
  );
  await place?.keep();
  expect(await stateOf("x")).toBe("empty");
});

test("a folder that cannot be written is no cache, and no error", async () => {
  writeFileSync(join(cache, "file"), "");
  vi.stubEnv("LIMN_CACHE", join(cache, "file"));
  expect(await openCompiled(key("x"), 1)).toBeNull();
  expect(existsSync(root)).toBe(false);
});

test.each([0, 300_000, 999_999])("a model with a damaged byte at %i is made anew", async (at) => {
  const folder = await fill("a", 1_000_000);
  expect((await openCompiled(key("a"), 1_000_000))?.state).toBe("whole");
  const file = join(folder, "blob");
  const bytes = await fs.readFile(file);
  bytes[at] ^= 1;
  await writeFile(file, bytes);
  const place = await openCompiled(key("a"), 1_000_000);
  expect(place?.state).toBe("empty");
  await place?.discard();
});
