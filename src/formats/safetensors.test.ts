/** @file Safetensors: what PyTorch wrote is read, what is written is read back, shards resolve. */
import { mkdtemp, readdir, readFile, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { openSafetensors, readAsF32, readTensor, writeSafetensors } from "./safetensors.node.ts";

const folder = () => mkdtemp(join(tmpdir(), "limn-safetensors-"));
const file = "tests/goldens/random/random.safetensors";

test("a file of the reference library is indexed with shapes and absolute offsets", async () => {
  const index = await openSafetensors(file);
  const tensor = index.tensors.get("philox/0/0");
  expect(tensor?.shape).toEqual([12]);
  expect(tensor?.dtype).toBe("f32");
  if (!tensor) return;
  // The published numbers of CUDA's generator at seed 0.
  const values = await readAsF32(tensor);
  expect(values[0]).toBeCloseTo(-0.92466259, 6);
  expect(values[3]).toBeCloseTo(0.14518388, 6);
  const raw = (await readFile(file)).subarray(tensor.offset, tensor.offset + tensor.length);
  expect(await readTensor(tensor)).toEqual(new Uint8Array(raw));
});

test("write then read is the identity, for odd names, empty tensors and scalars too", async () => {
  const path = join(await folder(), "a.safetensors");
  const tensors = [
    { name: "bytes", dtype: "u8", shape: [3], data: Uint8Array.of(1, 2, 3) },
    { name: "__proto__", dtype: "f64", shape: [], data: Float64Array.of(Math.PI) },
    { name: 'naïve \u0007"', dtype: "f16", shape: [1, 2], data: Uint16Array.of(0x3c00, 0xfc00) },
    { name: "", dtype: "f32", shape: [2, 0], data: new Float32Array(0) },
    { name: "late", dtype: "f32", shape: [2], data: () => Promise.resolve(Float32Array.of(1, 2)) },
  ] as const;
  const metadata = new Map([
    ["__proto__", "x"],
    ["format", "pt"],
  ]);
  await writeSafetensors(path, tensors, metadata);
  const index = await openSafetensors(path);
  expect(index.metadata).toEqual(metadata);
  expect(index.tensors.size).toBe(tensors.length);
  for (const { name, dtype, shape, data } of tensors) {
    const stored = index.tensors.get(name);
    expect(stored).toMatchObject({ dtype, shape });
    if (!stored) continue;
    const view = typeof data === "function" ? await data() : data;
    expect(await readTensor(stored)).toEqual(new Uint8Array(view.buffer));
    expect(stored.offset % (view.BYTES_PER_ELEMENT || 1)).toBe(0);
  }
  const length = (await readFile(path)).readBigUInt64LE();
  expect(length % 8n).toBe(0n);
});

test("a write that fails leaves the old file and no temporary one", async () => {
  const at = await folder();
  const path = join(at, "a.safetensors");
  await writeFile(path, "old");
  const short = { name: "a", dtype: "f32", shape: [4], data: new Float32Array(3) } as const;
  await expect(writeSafetensors(path, [short])).rejects.toThrow(
    '"a": f32 [4] takes 16 bytes, got 12',
  );
  await expect(writeSafetensors(path, [short, short])).rejects.toThrow('the name "a" is taken');
  expect(await readFile(path, "utf8")).toBe("old");
  expect(await readdir(at)).toEqual(["a.safetensors"]);
});

test("a shard list opens all its files and says which tensor is not there", async () => {
  const at = await folder();
  const one = (name: string, value: number) =>
    writeSafetensors(join(at, `${name}.safetensors`), [
      { name, dtype: "f32", shape: [1], data: Float32Array.of(value) },
    ]);
  await one("a", 1);
  await one("b", 2);
  const list = join(at, "model.safetensors.index.json");
  const weight_map = { a: "a.safetensors", b: "b.safetensors" };
  await writeFile(list, JSON.stringify({ metadata: {}, weight_map }));
  const { tensors } = await openSafetensors(list);
  const values = await Promise.all([...tensors.values()].map(readAsF32));
  expect(values.map(([x]) => x)).toEqual([1, 2]);

  await writeFile(list, JSON.stringify({ weight_map: { c: "a.safetensors" } }));
  await expect(openSafetensors(list)).rejects.toThrow(
    'model.safetensors.index.json places "c" in a.safetensors, which lacks it',
  );
  await writeFile(list, JSON.stringify({ weight_map: { c: "..\\a.safetensors" } }));
  await expect(openSafetensors(list)).rejects.toThrow("in the same folder");
});

test("links are resolved, so that a hub cache can be mapped by the engine", async () => {
  const at = await folder();
  const tensor = { name: "a", dtype: "f32", shape: [1], data: Float32Array.of(1) } as const;
  await writeSafetensors(join(at, "blob"), [tensor]);
  await symlink("blob", join(at, "model.safetensors"));
  const { tensors } = await openSafetensors(join(at, "model.safetensors"));
  expect(tensors.get("a")?.file).toMatch(/blob$/);
});

test.each([
  ["version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n", "a Git LFS pointer"],
  ["<!DOCTYPE html><html></html>", "a web page"],
  ["PK\u0003\u0004....................", "a zip archive"],
])("%j is called what it is", async (text, name) => {
  const path = join(await folder(), "model.safetensors");
  await writeFile(path, text);
  await expect(openSafetensors(path)).rejects.toThrow(name);
});

test("who gives a zipped checkpoint is told what limn reads", async () => {
  const path = join(await folder(), "model.safetensors");
  await writeFile(path, "PK\u0003\u0004....................");
  await expect(openSafetensors(path)).rejects.toMatchObject({
    hint: "if it is a PyTorch checkpoint: limn does not read those yet; get the .safetensors variant",
  });
});

test("a folder and a missing file are said", async () => {
  await expect(openSafetensors(await folder())).rejects.toThrow("is not a file");
  await expect(openSafetensors("no/such.safetensors")).rejects.toThrow("does not exist");
});

test("tensors that share bytes or leave a hole are refused, also where their lengths add up", async () => {
  const path = join(await folder(), "spans.safetensors");
  const open = async (spans: readonly (readonly [number, number])[], dataBytes: number) => {
    const entries = spans.map(([from, to], i) => [
      `t${i}`,
      { dtype: "U8", shape: [to - from], data_offsets: [from, to] },
    ]);
    const header = Buffer.from(JSON.stringify(Object.fromEntries(entries)));
    const length = Buffer.alloc(8);
    length.writeBigUInt64LE(BigInt(header.length));
    await writeFile(path, Buffer.concat([length, header, Buffer.alloc(dataBytes)]));
    return openSafetensors(path);
  };
  const plain = [
    [0, 8],
    [8, 12],
  ] as const;
  expect((await open(plain, 12)).tensors.size).toBe(2);
  await expect(
    open(
      [
        [0, 8],
        [4, 12],
      ],
      12,
    ),
  ).rejects.toThrow('"t1" overlaps another tensor');
  await expect(
    open(
      [
        [0, 8],
        [12, 16],
      ],
      16,
    ),
  ).rejects.toThrow('"t1" leaves a hole');
  // 8 + 8 + 4 bytes are as many as there are: only looking at each begin tells.
  await expect(
    open(
      [
        [0, 8],
        [4, 12],
        [16, 20],
      ],
      20,
    ),
  ).rejects.toThrow('"t1" overlaps');
});
