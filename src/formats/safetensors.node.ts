/** @file Safetensors files on disk: an index by byte ranges, tensors on demand, atomic streamed writing. */
import { open, realpath, stat, type FileHandle } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { FormatError, quote, RequestError, type DType } from "../base/index.ts";
import { bytesToF32, countNotFinite } from "./float16.ts";
import { writeChunksAtomic } from "./files.node.ts";
import { byteLengthOf, layOut, readShardList, type TensorDescription } from "./safetensors.ts";
import {
  joinShards,
  readIndex,
  type SafetensorsIndex,
  type StoredTensor,
} from "./safetensors-index.ts";

/** A tensor with its bytes, or a function that makes them when their turn comes. */
export interface TensorSource extends TensorDescription {
  readonly data: ArrayBufferView | (() => ArrayBufferView | Promise<ArrayBufferView>);
}

/** Indexes a `.safetensors` file or a `.safetensors.index.json` with its shards, without reading tensors. */
export async function openSafetensors(path: string): Promise<SafetensorsIndex> {
  return path.endsWith(".json") ? openShards(path) : openOne(path);
}

async function openOne(path: string): Promise<SafetensorsIndex> {
  const what = basename(path);
  const file = await realFile(path);
  const handle = await open(file, "r");
  try {
    const { size } = await handle.stat();
    return await readIndex({ file, size, what }, (offset, length) =>
      readRange(handle, offset, length, what),
    );
  } finally {
    await handle.close();
  }
}

async function openShards(path: string): Promise<SafetensorsIndex> {
  const what = basename(path);
  const list = await realFile(path);
  const { size } = await stat(list);
  if (size > 2 ** 26) throw new FormatError(`${what} has ${size} bytes: too many for a shard list`);
  const handle = await open(list, "r");
  const bytes = await readRange(handle, 0, size, what).finally(() => handle.close());
  const places = readShardList(bytes, what);
  const files = new Map<string, SafetensorsIndex>();
  for (const file of new Set(places.values()))
    files.set(file, await openOne(join(dirname(path), file)));
  return joinShards(places, files, what);
}

/** The bytes of one tensor, in a buffer of their own. */
export async function readTensor(tensor: StoredTensor): Promise<Uint8Array<ArrayBuffer>> {
  const handle = await open(tensor.file, "r");
  return readRange(handle, tensor.offset, tensor.length, basename(tensor.file)).finally(() =>
    handle.close(),
  );
}

/** One tensor as f32: f16, bf16 and small integers exactly, f64 and 64-bit integers rounded. */
export async function readAsF32(tensor: StoredTensor): Promise<Float32Array<ArrayBuffer>> {
  return bytesToF32(await readTensor(tensor), tensor.dtype);
}

const searched: readonly DType[] = ["f64", "f32", "f16", "bf16"];
/** A multiple of every element's size. */
const searchedAtOnce = 2 ** 24;

/** How many numbers of a tensor are NaN and how many infinite; a piece is read at a time. */
export async function searchNotFinite(
  tensor: StoredTensor,
): Promise<{ nan: number; infinite: number }> {
  const sum = { nan: 0, infinite: 0 };
  if (!searched.includes(tensor.dtype)) return sum;
  for (let at = 0; at < tensor.length; at += searchedAtOnce) {
    const length = Math.min(searchedAtOnce, tensor.length - at);
    const bytes = await readTensor({ ...tensor, offset: tensor.offset + at, length });
    // As f32 the largest numbers of f64 would be infinite.
    const numbers =
      tensor.dtype === "f64" ? new Float64Array(bytes.buffer) : bytesToF32(bytes, tensor.dtype);
    const { nan, infinite } = countNotFinite(numbers);
    sum.nan += nan;
    sum.infinite += infinite;
  }
  return sum;
}

/** Writes a file that appears whole or not at all; bytes are asked for one tensor at a time. */
export async function writeSafetensors(
  path: string,
  tensors: Iterable<TensorSource>,
  metadata: ReadonlyMap<string, string> = new Map(),
): Promise<void> {
  const { header, order } = layOut([...tensors], metadata);
  async function* chunks(): AsyncGenerator<Uint8Array> {
    yield header;
    for (const { name, dtype, shape, data } of order) {
      const view = typeof data === "function" ? await data() : data;
      const needed = byteLengthOf(dtype, shape, quote(name));
      if (view.byteLength !== needed)
        throw new RequestError(
          "tensors",
          `${quote(name)}: ${dtype} [${shape.join(",")}] takes ${needed} bytes, got ${view.byteLength}`,
        );
      yield new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
    }
  }
  await writeChunksAtomic(path, chunks());
}

async function realFile(path: string): Promise<string> {
  let file: string;
  try {
    file = await realpath(path);
  } catch (cause) {
    throw new FormatError(`${path} does not exist or cannot be reached`, { cause });
  }
  // Opening a pipe would wait for its writer for ever.
  if (!(await stat(file)).isFile()) throw new FormatError(`${path} is not a file`);
  return file;
}

async function readRange(
  handle: FileHandle,
  offset: number,
  length: number,
  what: string,
): Promise<Uint8Array<ArrayBuffer>> {
  const bytes = new Uint8Array(length);
  for (let at = 0; at < length;) {
    const step = Math.min(length - at, 2 ** 28); // one call reads less than 2 GiB
    const { bytesRead } = await handle.read(bytes, at, step, offset + at);
    if (bytesRead === 0) throw new FormatError(`${what} ended while it was being read`);
    at += bytesRead;
  }
  return bytes;
}
