/** @file Atomic writing, also when the writer is killed in the middle. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readdir, readFile, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { expect, test } from "vitest";
import { removeTorn, writeChunksAtomic, writeFileAtomic } from "./files.node.ts";

const folder = () => mkdtemp(join(tmpdir(), "limn-files-"));

test("a file is written and replaced, and nothing else stays", async () => {
  const at = await folder();
  const path = join(at, "a.bin");
  await writeFileAtomic(path, Uint8Array.of(1, 2, 3));
  await writeFileAtomic(path, Uint8Array.of(4));
  expect([...(await readFile(path))]).toEqual([4]);
  await writeChunksAtomic(path, [Uint8Array.of(1), new Uint8Array(0), Uint8Array.of(2)]);
  expect([...(await readFile(path))]).toEqual([1, 2]);
  expect(await readdir(at)).toEqual(["a.bin"]);
});

test("names of 80 characters of three bytes each can be written", async () => {
  const at = await folder();
  await writeFileAtomic(join(at, "猫".repeat(80)), Uint8Array.of(1));
  expect(await readdir(at)).toEqual(["猫".repeat(80)]);
});

test("a source that fails leaves the old file", async () => {
  const at = await folder();
  const path = join(at, "a.bin");
  await writeFile(path, "old");
  // eslint-disable-next-line @typescript-eslint/require-await -- the source is async by its type
  async function* failing(): AsyncGenerator<Uint8Array> {
    yield new Uint8Array(1000);
    throw new Error("the source broke");
  }
  await expect(writeChunksAtomic(path, failing())).rejects.toThrow("the source broke");
  expect(await readFile(path, "utf8")).toBe("old");
  expect(await readdir(at)).toEqual(["a.bin"]);
});

test("a folder that is not there is said", async () => {
  const path = join(await folder(), "missing", "a.bin");
  await expect(writeFileAtomic(path, Uint8Array.of(1))).rejects.toThrow("ENOENT");
});

test("a writer killed in the middle leaves the old file whole", async () => {
  const at = await folder();
  const path = join(at, "a.bin");
  await writeFile(path, "old");
  // The child runs the source itself, with types stripped by jiti as recipes are.
  const program = `
    const { createJiti } = await import("jiti");
    const { writeChunksAtomic } = await createJiti(${JSON.stringify(resolve("package.json"))})
      .import(${JSON.stringify(resolve("src/formats/files.node.ts"))});
    async function* endless() {
      for (;;) {
        yield new Uint8Array(65536).fill(7);
        console.log("wrote");
        await new Promise((next) => setTimeout(next, 1));
      }
    }
    await writeChunksAtomic(process.argv[1], endless());`;
  const child = spawn(process.execPath, ["--input-type=module", "-e", program, path], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  for (let writes = 0; writes < 3; writes += 1) await once(child.stdout, "data");
  child.kill("SIGKILL");
  await once(child, "exit");
  expect(await readFile(path, "utf8")).toBe("old");
  const left = (await readdir(at)).filter((name) => name !== "a.bin");
  expect(left).toHaveLength(1); // the torn one, under a name that nobody reads
  expect(left[0]).toMatch(/^\.a\.bin\..*\.tmp$/);
  expect((await stat(join(at, left[0]))).size).toBeGreaterThan(0);
  await writeFile(join(at, ".mine.tmp"), "kept");
  await removeTorn(at);
  expect((await readdir(at)).sort()).toEqual([".mine.tmp", "a.bin"]);
});
