/** @file Reads golden data of tests/goldens: a JSON file of cases beside a safetensors file of arrays. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { hostArray, type HostArray } from "../../src/base/index.ts";

const root = new URL("../goldens/", import.meta.url);

/** The numbers of each stored type. */
const views: Readonly<Record<string, (bytes: ArrayBuffer) => ArrayLike<number | bigint>>> = {
  F64: (bytes) => new Float64Array(bytes),
  F32: (bytes) => new Float32Array(bytes),
  I64: (bytes) => new BigInt64Array(bytes),
  I32: (bytes) => new Int32Array(bytes),
  U8: (bytes) => new Uint8Array(bytes),
  BOOL: (bytes) => new Uint8Array(bytes),
};

/** The cases of a golden file and its arrays by name. */
export interface Goldens<T> {
  readonly json: T;
  /** An f32 array. */
  tensor(name: string): HostArray;
  /** The numbers of an array of any type. */
  numbers(name: string): number[];
  shape(name: string): number[];
}

/** Loads `group/name.json` and `group/name.safetensors`. The caller says what the JSON holds. */
export function loadGoldens<T>(group: string, name: string): Goldens<T> {
  const file = readFileSync(new URL(`${group}/${name}.safetensors`, root));
  const headerLength = Number(file.readBigUInt64LE(0));
  const header = JSON.parse(file.toString("utf8", 8, 8 + headerLength)) as Record<
    string,
    { dtype: string; shape: number[]; data_offsets: [number, number] }
  >;
  const entry = (tensor: string) => {
    assert.ok(tensor in header, `${group}/${name} has no tensor ${tensor}`);
    return header[tensor];
  };
  const read = (tensor: string) => {
    const { dtype, data_offsets: offsets } = entry(tensor);
    const [from, to] = offsets.map((offset) => 8 + headerLength + offset);
    return views[dtype](Uint8Array.from(file.subarray(from, to)).buffer);
  };
  return {
    json: JSON.parse(readFileSync(new URL(`${group}/${name}.json`, root), "utf8")) as T,
    tensor(tensor) {
      const data = read(tensor);
      assert.ok(data instanceof Float32Array, `${tensor} is not f32`);
      return hostArray(data, entry(tensor).shape);
    },
    numbers: (tensor) => Array.from(read(tensor), Number),
    shape: (tensor) => entry(tensor).shape,
  };
}
