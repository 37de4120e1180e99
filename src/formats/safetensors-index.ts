/** @file What a safetensors file holds and where, read from its header alone; shards joined to one index. */
import { FormatError, quote, type DType } from "../base/index.ts";
import { headerRemarks, readHeader, readHeaderLength } from "./safetensors.ts";

/** One tensor's place in a file. */
export interface StoredTensor {
  readonly dtype: DType;
  readonly shape: readonly number[];
  /** Absolute path, symbolic links resolved; or the URL of a file that is fetched. */
  readonly file: string;
  /** First byte in the file. */
  readonly offset: number;
  readonly length: number;
}

/** What a file, or a set of shards, holds; no tensor data is in memory. */
export interface SafetensorsIndex {
  readonly tensors: ReadonlyMap<string, StoredTensor>;
  readonly metadata: ReadonlyMap<string, string>;
  /** What is valid but unusual, as sentences for a report. */
  readonly remarks: readonly string[];
}

/** The index of a file of `size` bytes, of which only the header is read. `what` names it in errors. */
export async function readIndex(
  { file, size, what }: { file: string; size: number; what: string },
  read: (offset: number, length: number) => Promise<Uint8Array>,
): Promise<SafetensorsIndex> {
  const length = readHeaderLength(await read(0, Math.min(size, 8)), size, what);
  const dataStart = 8 + length;
  const header = readHeader(await read(8, length), size - dataStart, what);
  const tensors = new Map<string, StoredTensor>();
  for (const [name, { dtype, shape, start, length }] of header.tensors)
    tensors.set(name, { dtype, shape, file, offset: dataStart + start, length });
  return { tensors, metadata: header.metadata, remarks: headerRemarks(header) };
}

/** One index of many files: `places` says in which of them each tensor is, `what` names that list in errors. */
export function joinShards(
  places: ReadonlyMap<string, string>,
  files: ReadonlyMap<string, SafetensorsIndex>,
  what: string,
): SafetensorsIndex {
  const tensors = new Map<string, StoredTensor>();
  for (const [name, file] of places) {
    const tensor = files.get(file)?.tensors.get(name);
    if (!tensor) throw new FormatError(`${what} places ${quote(name)} in ${file}, which lacks it`);
    tensors.set(name, tensor);
  }
  const all = [...files.values()];
  return {
    tensors,
    metadata: new Map(all.flatMap((index) => [...index.metadata])),
    remarks: all.flatMap((index) => index.remarks),
  };
}
