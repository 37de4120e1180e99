/** @file f32 twins: how many are kept, and who is at fault where one cannot be made. */
import { existsSync } from "node:fs";
import * as fs from "node:fs/promises";
import {
  mkdir,
  mkdtemp,
  open,
  readFile,
  readdir,
  rm,
  stat,
  symlink,
  truncate,
  utimes,
  writeFile,
} from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { expect, onTestFinished, test, vi } from "vitest";
import { EngineError, FormatError } from "../../base/index.ts";
import { openSafetensors, writeSafetensors } from "../../formats/index.ts";
import { graphOf, parameter } from "../../tensor/index.ts";
import { twinOf } from "./twin-folder.node.ts";
import { widenBindings } from "./twin.node.ts";

vi.mock("node:fs/promises", async (original) => ({ ...(await original<typeof fs>()) }));

const broken = vi.hoisted(() => ({ reading: false }));
vi.mock("../../formats/index.ts", async (original) => {
  const real = await original<typeof import("../../formats/index.ts")>();
  const readAsF32: typeof real.readAsF32 = (tensor) =>
    broken.reading
      ? Promise.reject(new FormatError("weights.safetensors ended while it was being read"))
      : real.readAsF32(tensor);
  return { ...real, readAsF32 };
});

async function widen(root: string, name = "weights"): Promise<unknown> {
  const file = join(root, `${name}.safetensors`);
  const bits = Uint16Array.of(0x3c00);
  await writeSafetensors(file, [{ name: "w", dtype: "f16", shape: [1], data: bits }]);
  return widenFile(file);
}

async function widenFile(file: string): Promise<unknown> {
  const offset = (await openSafetensors(file)).tensors.get("w")?.offset ?? 0;
  const w = parameter([1], { kind: "constant", value: 0 });
  w.path = "w";
  const bind = () => ({ kind: "file", file, offset, dtype: "f16" }) as const;
  return widenBindings(graphOf({ y: w.neg() }), bind).catch((error: unknown) => error);
}

/** A folder of its own for a cache. */
async function freshCache(): Promise<{ root: string; folder: string }> {
  const root = await mkdtemp(join(tmpdir(), "limn twin "));
  onTestFinished(() => rm(root, { recursive: true }));
  vi.stubEnv("LIMN_CACHE", join(root, "cache"));
  onTestFinished(() => void vi.unstubAllEnvs());
  return { root, folder: join(root, "cache", "f32") };
}

const twinsIn = async (folder: string) =>
  (await readdir(folder)).filter((name) => name.endsWith(".safetensors"));

test("a weight file that breaks off is not blamed on the cache, a cache without room is", async () => {
  const { root } = await freshCache();
  broken.reading = true;
  expect(await widen(root)).toBeInstanceOf(FormatError);
  broken.reading = false;
  await writeFile(join(root, "full"), "no folder");
  vi.stubEnv("LIMN_CACHE", join(root, "full"));
  expect(await widen(root)).toBeInstanceOf(EngineError);
});

test("a file that changed leaves no older twin; another name of it needs no second one", async () => {
  const { root, folder } = await freshCache();
  await widen(root);
  const [first] = await twinsIn(folder);
  await widen(root, "other");
  expect(await twinsIn(folder)).toHaveLength(2);
  await rm(join(root, "weights.safetensors"));
  await widen(root);
  const after = await twinsIn(folder);
  expect(after).toHaveLength(2);
  expect(after).not.toContain(first);
  const link = join(root, "link.safetensors");
  await symlink(join(root, "other.safetensors"), link);
  expect(after).toContain(
    basename(await twinOf(link, "safetensors", () => Promise.reject(Error()))),
  );
});

test("twins are bounded: the longest unused go, those at work stay", async () => {
  const { root, folder } = await freshCache();
  await mkdir(folder, { recursive: true });
  // 20 GB that take no room on the disk.
  const large = async (name: string, usedAt: number | null) => {
    const path = join(folder, `${name}.safetensors`);
    await writeFile(path, "");
    await truncate(path, 20e9);
    await utimes(path, 1e9, 1e9); // made long ago
    if (usedAt !== null) {
      await writeFile(`${path}.used`, ".");
      await utimes(`${path}.used`, usedAt, usedAt);
    }
    return path;
  };
  const [older, newer, unmarked] = [
    await large("aa-aa", 1.2e9),
    await large("bb-bb", 1.3e9),
    await large("cc", null),
  ];
  await widen(root);
  expect([older, newer, unmarked].map((path) => existsSync(path))).toEqual([false, true, false]);
  expect(existsSync(`${older}.used`)).toBe(false);
  const atWork = await large("dd-dd", null);
  await writeFile(`${atWork}.used`, ".");
  await utimes(`${newer}.used`, new Date(), new Date());
  await widen(root, "other");
  expect([newer, atWork].map((path) => existsSync(path))).toEqual([true, true]);
});

test("a twin that is found again was used; a torn one that is old goes then", async () => {
  const { root, folder } = await freshCache();
  await widen(root);
  const [twin] = await twinsIn(folder);
  const mark = join(folder, `${twin}.used`);
  await utimes(mark, 1e9, 1e9);
  const torn = join(folder, `.${twin}.${crypto.randomUUID()}.tmp`);
  await writeFile(torn, "torn");
  const before = await stat(join(folder, twin));
  const find = () =>
    twinOf(join(root, "weights.safetensors"), "safetensors", () => Promise.reject(Error()));
  await find();
  expect((await stat(mark)).mtimeMs).toBeGreaterThan(1.5e12);
  expect((await stat(join(folder, twin))).mtimeMs).toBe(before.mtimeMs);
  expect(existsSync(torn)).toBe(true);
  const real = fs.stat;
  vi.spyOn(fs, "stat").mockImplementation((async (path: string) => {
    const its = await real(path);
    if (path === torn) its.ctimeMs -= 2 * 3_600_000;
    return its;
  }) as typeof fs.stat);
  onTestFinished(() => void vi.restoreAllMocks());
  await find();
  expect(existsSync(torn)).toBe(false);
});

test.each([0, 7, 40])("a twin that was cut short to %i bytes is made anew", async (bytes) => {
  await expectMadeAnew((path) => truncate(path, bytes));
});

test("a twin whose numbers somebody overwrote is made anew", async () => {
  await expectMadeAnew(async (path) => {
    await using file = await open(path, "r+");
    await file.write(Uint8Array.of(0x40), 0, 1, (await file.stat()).size - 1);
    await file.utimes(1e9, 1e9); // some clocks tick only every few milliseconds
  });
});

async function expectMadeAnew(damage: (path: string) => Promise<void>): Promise<void> {
  const { root, folder } = await freshCache();
  await widen(root);
  const [name] = await twinsIn(folder);
  const whole = await readFile(join(folder, name));
  await damage(join(folder, name));
  expect(await readFile(join(folder, name))).not.toEqual(whole);
  expect(await widenFile(join(root, "weights.safetensors"))).toBeInstanceOf(Function);
  expect(await readFile(join(folder, name))).toEqual(whole);
}
