/** @file Which of all that can be made again goes. */
import { existsSync } from "node:fs";
import * as fs from "node:fs/promises";
import { mkdtemp, readdir, rm, stat, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test, vi } from "vitest";
import { ageOf } from "../../formats/index.ts";
import { excess, patience, removeAbandoned } from "./room.node.ts";

vi.mock("node:fs/promises", async (original) => ({ ...(await original<typeof fs>()) }));

async function freshFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "limn room "));
  onTestFinished(() => rm(folder, { recursive: true }));
  return folder;
}

test("the longest unused go until the rest fits, what is fresh never", () => {
  const kept = [
    { path: "a", bytes: 10, used: 3 },
    { path: "b", bytes: 20, used: 1 },
    { path: "c", bytes: 30, used: 2 },
  ];
  const goes = (limit: number, fresh: string) =>
    excess(kept, { limit, fresh }).map(({ path }) => path);
  expect(goes(60, "a")).toEqual([]);
  expect(goes(59, "a")).toEqual(["b"]);
  expect(goes(40, "a")).toEqual(["b"]);
  expect(goes(39, "a")).toEqual(["b", "c"]);
  expect(goes(0, "a")).toEqual(["b", "c"]);
  expect(goes(30, "b")).toEqual(["c"]);
  expect(goes(0, "none")).toEqual(["b", "c", "a"]);
});

test("age is told by the file system, and what is gone has none", async () => {
  const folder = await freshFolder();
  const path = join(folder, "old");
  await writeFile(path, "");
  await utimes(path, 1e9, 1e9);
  expect(await ageOf(path, "written")).toBeGreaterThan(1e11);
  expect(await ageOf(path, "changed")).toBeLessThan(60_000); // its times were changed just now
  expect(await ageOf(join(folder, "gone"), "written")).toBe(0);
  expect(await readdir(folder)).toEqual(["old"]);
});

test("what killed processes left goes when it is old, and nothing else", async () => {
  const folder = await freshFolder();
  const paths = ["old.tmp", "new.tmp", "old.kept", ".now-old"].map((name) => join(folder, name));
  for (const path of paths) await writeFile(path, "");
  const real = stat;
  vi.spyOn(fs, "stat").mockImplementation((async (path: string) => {
    const its = await real(path);
    if (path.includes("old")) its.ctimeMs -= 2 * patience;
    return its;
  }) as typeof fs.stat);
  onTestFinished(() => void vi.restoreAllMocks());
  await removeAbandoned(folder, (name) => name.endsWith(".tmp"));
  expect(paths.map((path) => existsSync(path))).toEqual([false, true, true, false]);
});
