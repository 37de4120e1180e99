/** @file The browser's store of whole files, on a directory in memory: bounds, versions, and writes that break off. */
import { expect, test, vi } from "vitest";
import { fileStore, type FileKey, type StoreDirectory, type StoreFile } from "./file-store.ts";

/** As OPFS does: what is written shows when the writable is closed, and not at all when it is aborted. */
function memoryDirectory(): StoreDirectory & { files: Map<string, Uint8Array<ArrayBuffer>> } {
  const files = new Map<string, Uint8Array<ArrayBuffer>>();
  const times = new Map<string, number>();
  const handle = (name: string): StoreFile => ({
    kind: "file",
    name,
    getFile: () =>
      Promise.resolve(
        Object.assign(new Blob([files.get(name) ?? new Uint8Array()]), {
          lastModified: times.get(name) ?? 0,
        }),
      ),
    createWritable: () => {
      const parts: Uint8Array<ArrayBuffer>[] = [];
      const close = async () => {
        files.set(name, new Uint8Array(await new Blob(parts).arrayBuffer()));
        times.set(name, times.size);
      };
      const write = (part: Uint8Array) => void parts.push(new Uint8Array(part));
      return Promise.resolve(new WritableStream<Uint8Array>({ write, close }));
    },
  });
  return {
    files,
    getFileHandle: (name, { create = false } = {}) => {
      if (!files.has(name) && !create) return Promise.reject(new Error("NotFoundError"));
      if (!files.has(name)) files.set(name, new Uint8Array());
      return Promise.resolve(handle(name));
    },
    removeEntry: (name) => Promise.resolve(void files.delete(name)),
    async *values() {
      for (const name of [...files.keys()]) yield await Promise.resolve(handle(name));
      yield { kind: "directory" };
    },
  };
}

const key = (url: string, size: number, version = "1"): FileKey => ({ url, version, size });
const stream = (bytes: number) => () =>
  Promise.resolve(new Blob([new Uint8Array(bytes).fill(7)]).stream() as ReadableStream<Uint8Array>);

test("a file is kept and found again; another version or size of it is not that file", async () => {
  const store = fileStore(memoryDirectory(), { maxBytes: 100 });
  expect(await store.get(key("a", 10))).toBeNull();
  expect((await store.take(key("a", 10), stream(10))).size).toBe(10);
  expect((await store.get(key("a", 10)))?.size).toBe(10);
  expect(await store.get(key("a", 10, "2"))).toBeNull();
  expect(await store.get(key("a", 11))).toBeNull();
});

/** A stream that breaks off, and how often it was asked for. */
function brokenStream() {
  const counted = { asked: 0, open };
  function open() {
    counted.asked++;
    return Promise.resolve(
      new ReadableStream<Uint8Array>({
        start: (controller) => controller.enqueue(new Uint8Array(5)),
        pull: (controller) => controller.error(new Error("the network is gone")),
      }),
    );
  }
  return counted;
}

test("a download that breaks off leaves nothing, and is not begun again", async () => {
  const directory = memoryDirectory();
  const store = fileStore(directory, { maxBytes: 100 });
  const broken = brokenStream();
  await expect(store.take(key("a", 10), broken.open)).rejects.toThrow("the network is gone");
  expect(broken.asked).toBe(1);
  expect(directory.files.size).toBe(0);
  const refused = () => Promise.reject<ReadableStream<Uint8Array>>(new Error("no permission"));
  await expect(store.take(key("a", 10), refused)).rejects.toThrow("no permission");
  await expect(store.take(key("a", 10), stream(4))).rejects.toThrow("came with 4 bytes of 10");
  expect(directory.files.size).toBe(0);
  // What they would have taken is free again.
  expect((await store.take(key("b", 100), stream(100))).size).toBe(100);
  expect(await store.get(key("b", 100))).not.toBeNull();
});

test("files that come at once stay below the bound and evict none that is on its way", async () => {
  const directory = memoryDirectory();
  const store = fileStore(directory, { maxBytes: 30 });
  await store.take(key("old", 10), stream(10));
  // Each waits for a word before it gives its bytes.
  const gates = new Map<string, () => void>();
  const take = (url: string, size: number) =>
    store.take(key(url, size), async () => {
      await new Promise<void>((resolve) => gates.set(url, resolve));
      return stream(size)();
    });
  const [a, b] = [take("a", 15), take("b", 15)];
  await vi.waitFor(() => expect([...gates.keys()]).toEqual(["a", "b"]));
  expect(await store.get(key("a", 15))).toBeNull();
  const c = take("c", 10);
  await vi.waitFor(() => expect(gates.size).toBe(3));
  for (const go of gates.values()) go();
  expect((await Promise.all([a, b, c])).map(({ size }) => size)).toEqual([15, 15, 10]);
  const kept = [...directory.files.values()].reduce((sum, { length }) => sum + length, 0);
  expect(kept).toBe(30);
  expect((await store.get(key("a", 15)))?.size).toBe(15);
  expect((await store.get(key("b", 15)))?.size).toBe(15);
});

test("a file that two ask for at once comes once", async () => {
  const store = fileStore(memoryDirectory(), { maxBytes: 100 });
  let asked = 0;
  const open = () => (asked++, stream(10)());
  const [one, other] = await Promise.all([
    store.take(key("a", 10), open),
    store.take(key("a", 10), open),
  ]);
  expect([one.size, other, asked]).toEqual([10, one, 1]);
});

test("a file that another worker is writing stays", async () => {
  const directory = memoryDirectory();
  await fileStore(directory, { maxBytes: 30 }).take(key("a", 20), stream(20));
  const locked: StoreDirectory = {
    ...directory,
    removeEntry: () => Promise.reject(new Error("NoModificationAllowedError")),
  };
  const store = fileStore(locked, { maxBytes: 30 });
  expect((await store.take(key("b", 10), stream(10))).size).toBe(10);
  expect((await store.take(key("c", 20), stream(20))).size).toBe(20); // no room: not kept
  expect(directory.files.size).toBe(2);
});

test("a file of another length than promised is not used", async () => {
  const directory = memoryDirectory();
  const store = fileStore(directory, { maxBytes: 100 });
  await store.take(key("a", 10), stream(10));
  const [name] = directory.files.keys();
  directory.files.set(name, new Uint8Array(4));
  expect(await store.get(key("a", 10))).toBeNull();
  expect(directory.files.size).toBe(0);
});

test("it stays below its bound: older versions go first, then the oldest files", async () => {
  const directory = memoryDirectory();
  const store = fileStore(directory, { maxBytes: 30 });
  await store.take(key("a", 10), stream(10));
  await store.take(key("b", 10), stream(10));
  await store.take(key("b", 10, "2"), stream(10));
  expect(directory.files.size).toBe(2);
  await store.take(key("c", 20), stream(20));
  expect(await store.get(key("a", 10))).toBeNull();
  expect((await store.get(key("b", 10, "2")))?.size).toBe(10);
  expect((await store.get(key("c", 20)))?.size).toBe(20);
  const large = await store.take(key("d", 31), stream(31));
  expect(large.size).toBe(31);
  expect(await store.get(key("d", 31))).toBeNull();
  expect(directory.files.size).toBe(2);
});

test("a store that cannot write passes the file through", async () => {
  const full: StoreDirectory = {
    ...memoryDirectory(),
    getFileHandle: () => Promise.reject(new Error("QuotaExceededError")),
  };
  const store = fileStore(full, { maxBytes: 100 });
  expect((await store.take(key("a", 10), stream(10))).size).toBe(10);
});

test("a store that becomes full on the way passes the file through and leaves nothing", async () => {
  const directory = memoryDirectory();
  const full: StoreDirectory = {
    ...directory,
    getFileHandle: async (name, options) => ({
      ...(await directory.getFileHandle(name, options)),
      createWritable: () =>
        Promise.resolve(
          new WritableStream<Uint8Array>({
            write: () => Promise.reject(new Error("QuotaExceededError")),
          }),
        ),
    }),
  };
  const store = fileStore(full, { maxBytes: 100 });
  expect((await store.take(key("a", 10), stream(10))).size).toBe(10);
  expect(directory.files.size).toBe(0);
});
