/** @file The browser's store of whole files, on a directory in memory: bounds, versions, and writes that break off. */
import { expect, test } from "vitest";
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

test("a download that breaks off leaves nothing, and is tried again outside the store", async () => {
  const directory = memoryDirectory();
  const store = fileStore(directory, { maxBytes: 100 });
  const broken = () =>
    Promise.resolve(
      new ReadableStream<Uint8Array>({
        start(controller) {
          controller.enqueue(new Uint8Array(5));
          controller.error(new Error("the network is gone"));
        },
      }),
    );
  await expect(store.take(key("a", 10), broken)).rejects.toThrow("the network is gone");
  expect(directory.files.size).toBe(0);
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
