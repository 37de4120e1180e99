/** @file The safetensors layout: u64 header length, JSON header, then the tensors without a gap. */
import { dtypeBytes, FormatError, quote, RequestError, shown, type DType } from "../base/index.ts";
import { decodeUtf8, jsonObject, parseJson, type JsonValue } from "./json.ts";

/** Bytes of JSON that the format allows for a header. */
export const maxHeaderBytes = 100_000_000;

/** Where a tensor lies among the data bytes of a file. */
export interface TensorSpan {
  readonly dtype: DType;
  readonly shape: readonly number[];
  /** First byte, counted from the end of the header. */
  readonly start: number;
  readonly length: number;
}

/** What a header says: tensors by name, free text by key. */
export interface SafetensorsHeader {
  readonly tensors: ReadonlyMap<string, TensorSpan>;
  readonly metadata: ReadonlyMap<string, string>;
}

/** A tensor to be written: its name in the file, dtype and shape. */
export interface TensorDescription {
  readonly name: string;
  readonly dtype: DType;
  readonly shape: readonly number[];
}

const storedNames = {
  f64: "F64",
  f32: "F32",
  f16: "F16",
  bf16: "BF16",
  i64: "I64",
  i32: "I32",
  i16: "I16",
  i8: "I8",
  u8: "U8",
  bool: "BOOL",
} as const satisfies { [K in DType]: string };
const dtypes = new Map<string, DType>(
  Object.entries(storedNames).map(([d, name]) => [name, d as DType]),
);

/** Length of the JSON header, from the first 8 bytes of a file of `fileBytes` bytes. */
export function readHeaderLength(first: Uint8Array, fileBytes: number, what: string): number {
  if (fileBytes < 8 || first.length < 8)
    throw new FormatError(`${what} is not a safetensors file: it has only ${fileBytes} bytes`);
  refuseImpostors(first, what);
  const length = new DataView(first.buffer, first.byteOffset).getBigUint64(0, true);
  if (length < 2n || length > BigInt(maxHeaderBytes))
    throw new FormatError(
      `${what} is not a safetensors file: its header would be ${length} bytes long, where 2 to ${maxHeaderBytes} are allowed`,
    );
  if (8 + Number(length) > fileBytes)
    throw new FormatError(
      `${what} is cut short: its header needs ${8 + Number(length)} bytes, but the file has ${fileBytes}`,
      { hint: "download it again" },
    );
  return Number(length);
}

/** Parses and checks a header for `dataBytes` bytes of tensor data: every byte belongs to one tensor. */
export function readHeader(header: Uint8Array, dataBytes: number, what: string): SafetensorsHeader {
  const text = decodeUtf8(header, `the header of ${what}`);
  if (!text.startsWith("{"))
    throw new FormatError(`${what}: the header must begin with '{', but begins ${quote(text, 10)}`);
  const limits = { what: `the header of ${what}`, maxBytes: maxHeaderBytes, maxDepth: 8 };
  const root = jsonObject(parseJson(text, limits), limits.what);
  const tensors = new Map<string, TensorSpan>();
  for (const [name, entry] of Object.entries(root))
    if (name !== "__metadata__") tensors.set(name, readEntry(entry, `${what}, ${quote(name)}`));
  checkSpans(tensors, dataBytes, what);
  return { tensors, metadata: readMetadata(root["__metadata__"], what) };
}

/** Header bytes, padded so that data begins on 8 bytes, and where each tensor goes. Wide dtypes come
 * first, so that every tensor is aligned to its element. */
export function layOut<T extends TensorDescription>(
  tensors: readonly T[],
  metadata: ReadonlyMap<string, string>,
): { header: Uint8Array<ArrayBuffer>; order: readonly T[] } {
  const order = tensors.toSorted((a, b) => dtypeBytes[b.dtype] - dtypeBytes[a.dtype]);
  const seen = new Set(["__metadata__"]);
  const entries: string[] = [];
  if (metadata.size > 0)
    // A literal `__proto__` key would be lost by an object, so pairs are printed one by one.
    entries.push(`"__metadata__":{${[...metadata].map(printPair).join(",")}}`);
  let at = 0;
  for (const { name, dtype, shape } of order) {
    if (seen.has(name)) throw new RequestError("tensors", `the name ${quote(name)} is taken`);
    seen.add(name);
    const end = at + byteLengthOf(dtype, shape, quote(name));
    const entry = { dtype: storedNames[dtype], shape, data_offsets: [at, end] };
    entries.push(`${JSON.stringify(name)}:${JSON.stringify(entry)}`);
    at = end;
  }
  const json = new TextEncoder().encode(`{${entries.join(",")}}`);
  const padded = new Uint8Array(8 + Math.ceil(json.length / 8) * 8).fill(0x20);
  new DataView(padded.buffer).setBigUint64(0, BigInt(padded.length - 8), true);
  padded.set(json, 8);
  return { header: padded, order };
}

/** Bytes that a tensor takes; sizes are checked before they are multiplied. */
export function byteLengthOf(dtype: DType, shape: readonly JsonValue[], what: string): number {
  let bytes: number = dtypeBytes[dtype];
  for (const size of shape) {
    if (!isCount(size)) throw new FormatError(`${what}: ${shown(size)} is no size`);
    // An empty axis must not hide sizes whose product overflows in other readers.
    bytes *= Math.max(size, 1);
    if (!Number.isSafeInteger(bytes))
      throw new FormatError(`${what}: the sizes of its shape multiply beyond 2^53 bytes`);
  }
  return shape.includes(0) ? 0 : bytes;
}

function printPair([key, value]: [string, string]): string {
  return `${JSON.stringify(key)}:${JSON.stringify(value)}`;
}

function isCount(value: JsonValue | undefined): value is number {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0;
}

function readEntry(value: JsonValue, what: string): TensorSpan {
  const entry = jsonObject(value, what);
  const shape = entry["shape"];
  const offsets = entry["data_offsets"];
  if (!Array.isArray(shape)) throw new FormatError(`${what}: the shape must be a list of sizes`);
  if (!Array.isArray(offsets) || offsets.length !== 2 || !offsets.every(isCount))
    throw new FormatError(`${what}: data_offsets must be two whole numbers`);
  const dtype = readDType(entry["dtype"], what);
  const needed = byteLengthOf(dtype, shape, what);
  const [start, end] = offsets as [number, number]; // checked above, element by element
  if (end - start !== needed)
    throw new FormatError(
      `${what}: the shape needs ${needed} bytes, but data_offsets give ${end - start}`,
    );
  return { dtype, shape: shape as number[], start, length: needed };
}

function readDType(value: JsonValue | undefined, what: string): DType {
  const dtype = typeof value === "string" ? dtypes.get(value) : undefined;
  if (dtype) return dtype;
  const found = value === undefined ? "is missing" : shown(value);
  const readable = [...dtypes.keys()].join(", ");
  throw new FormatError(`${what}: the dtype ${found}; limn reads ${readable}`);
}

function readMetadata(value: JsonValue | undefined, what: string): ReadonlyMap<string, string> {
  if (value === undefined) return new Map();
  const pairs = Object.entries(jsonObject(value, `${what}, __metadata__`));
  for (const [key, text] of pairs)
    if (typeof text !== "string")
      throw new FormatError(`${what}: the metadata ${quote(key)} must be text`);
  return new Map(pairs as [string, string][]); // every value was checked
}

/** In order of offset each tensor must begin where the last one ended, up to the end of the data. */
function checkSpans(spans: ReadonlyMap<string, TensorSpan>, dataBytes: number, what: string): void {
  const ordered = [...spans].sort(([, a], [, b]) => a.start - b.start || a.length - b.length);
  let at = 0;
  for (const [name, { start, length }] of ordered) {
    if (start !== at)
      throw new FormatError(
        `${what}: ${quote(name)} ${start < at ? "overlaps another tensor" : "leaves a hole before it"}: it begins at ${start}, where ${at} is next`,
      );
    at += length;
  }
  if (at > dataBytes)
    throw new FormatError(
      `${what} is cut short: its tensors need ${at} bytes, but it has ${dataBytes}`,
      { hint: "download it again" },
    );
  if (at < dataBytes)
    throw new FormatError(`${what}: ${dataBytes - at} bytes after the last tensor belong to none`);
}

/** Names what people mistake for a model: a pointer that Git LFS left, or a saved web page. */
function refuseImpostors(first: Uint8Array, what: string): void {
  const start = String.fromCharCode(...first.subarray(0, 8)).toLowerCase();
  if (start === "version ")
    throw new FormatError(`${what} is a Git LFS pointer, not the file itself`, {
      hint: "run `git lfs pull`, or download the file from its page",
    });
  if (start.startsWith("<!doctyp") || start.startsWith("<html"))
    throw new FormatError(`${what} is a web page, not a model`, {
      hint: "download the file itself: some sites ask for a login or an agreement first",
    });
  if (start.startsWith("pk\u0003\u0004"))
    throw new FormatError(`${what} is a zip archive, not a safetensors file`, {
      hint: "if it is a PyTorch checkpoint: limn does not read those yet; get the .safetensors variant",
    });
}

/** The shard of every tensor, from the JSON of a `*.safetensors.index.json`: plain file names only. */
export function readShardList(text: Uint8Array, what: string): ReadonlyMap<string, string> {
  const root = jsonObject(parseJson(text, { what }), what);
  const shards = new Map<string, string>();
  for (const [tensor, file] of Object.entries(
    jsonObject(root["weight_map"], `${what}, weight_map`),
  )) {
    if (typeof file !== "string" || !/^[^/\\:\0]+\.safetensors$/.test(file))
      throw new FormatError(
        `${what}: ${shown(file)} must be the name of a .safetensors file in the same folder`,
      );
    shards.set(tensor, file);
  }
  return shards;
}

/** What a reader should be told of a file that is valid but unusual. */
export function headerRemarks({ tensors }: SafetensorsHeader): string[] {
  const remarks = tensors.size === 0 ? ["the file holds no tensors"] : [];
  for (const [name, { shape }] of tensors)
    if (shape.length > 8) remarks.push(`${quote(name)} has ${shape.length} dimensions`);
  return remarks;
}
