/** @file Golden data that remember what was read of them, so that a test can say that nothing was left out. */
import { readFile } from "node:fs/promises";
import { openSafetensors, readAsF32 } from "../../src/formats/index.ts";
import { assert } from "../../src/base/index.ts";

/** A JSON file of numbers and a safetensors file beside it. */
export interface Ledger<T> {
  readonly json: T;
  readonly names: readonly string[];
  tensor(name: string): Promise<Float32Array>;
  shape(name: string): readonly number[];
  /** Tensors and JSON leaves that nobody has read. */
  unread(): string[];
}

/** Wraps an object so that reading a leaf strikes its path off `left`. */
function watched<T>(node: T, path: string, left: Set<string>): T {
  if (typeof node !== "object" || node === null) {
    left.add(path);
    return node;
  }
  const children = new Map<string, unknown>();
  for (const [key, child] of Object.entries(node))
    children.set(key, watched(child, `${path}/${key}`, left));
  return new Proxy(node, {
    get(target, key) {
      const own = `${path}/${String(key)}`;
      if (typeof key === "symbol" || !children.has(key)) return Reflect.get(target, key) as unknown;
      left.delete(own);
      return children.get(key);
    },
  });
}

/** Opens `NAME.json` and `NAME.safetensors` of a folder. */
export async function openLedger<T>(folder: string, name: string): Promise<Ledger<T>> {
  const left = new Set<string>();
  const json = watched(
    JSON.parse(await readFile(`${folder}/${name}.json`, "utf8")) as T,
    "json",
    left,
  );
  const { tensors } = await openSafetensors(`${folder}/${name}.safetensors`);
  for (const key of tensors.keys()) left.add(key);
  const stored = (key: string) => {
    const found = tensors.get(key);
    assert(found, `the goldens have no ${key}`);
    return found;
  };
  return {
    json,
    names: [...tensors.keys()],
    shape: (key) => stored(key).shape,
    tensor: (key) => {
      left.delete(key);
      return readAsF32(stored(key));
    },
    unread: () => [...left],
  };
}
