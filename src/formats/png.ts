/** @file PNG chunks (ISO/IEC 15948): reading the texts of a picture under limits, and adding some. */
import { FormatError, quote, RequestError } from "../base/index.ts";
import { maxTextBytes, type PictureTexts } from "./image.ts";

/** One chunk: its four letters and its content. */
export interface PngChunk {
  readonly type: string;
  readonly data: Uint8Array;
}

const signature = Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a);
const textTypes = new Set(["tEXt", "zTXt", "iTXt"]);
const maxTexts = 256;

/** Whether bytes begin as a PNG does. */
export function isPng(bytes: Uint8Array): boolean {
  return signature.every((byte, i) => bytes[i] === byte);
}

/** The chunks in order up to IEND; lengths and checksums are checked. */
export function* pngChunks(bytes: Uint8Array, what: string): Generator<PngChunk> {
  if (!isPng(bytes)) throw new FormatError(`${what} is not a PNG picture`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let at = signature.length; ;) {
    const length = at + 12 <= bytes.length ? view.getUint32(at) : Infinity;
    if (at + 12 + length > bytes.length)
      throw new FormatError(`${what} is cut short: it has only ${bytes.length} bytes`);
    const type = latin1(bytes.subarray(at + 4, at + 8));
    const body = bytes.subarray(at + 4, at + 8 + length);
    if (crc32(body) !== view.getUint32(at + 8 + length))
      throw new FormatError(`${what} is damaged: the checksum of its ${quote(type)} chunk differs`);
    yield { type, data: body.subarray(4) };
    if (type === "IEND") return;
    at += 12 + length;
  }
}

/** Width and height by the first chunk, each from 1 to 2^31 - 1. */
export function pngSize(bytes: Uint8Array, what: string): { width: number; height: number } {
  const [first] = pngChunks(bytes, what);
  if (first.type !== "IHDR" || first.data.length !== 13)
    throw new FormatError(`${what} is damaged: it does not begin with the header of a PNG picture`);
  const view = new DataView(first.data.buffer, first.data.byteOffset);
  const [width, height] = [view.getUint32(0), view.getUint32(4)];
  for (const size of [width, height])
    if (size === 0 || size >= 2 ** 31)
      throw new FormatError(`${what} is damaged: its size would be ${width}×${height} pixels`);
  return { width, height };
}

/** A PNG file of these chunks, their lengths and checksums added. */
export function pngOf(chunks: Iterable<PngChunk>): Uint8Array<ArrayBuffer> {
  return concat([signature, ...Array.from(chunks, encodeChunk)]);
}

/** All tEXt, zTXt and iTXt chunks; of a keyword that comes twice the first counts. */
export async function readPngTexts(bytes: Uint8Array, what: string): Promise<PictureTexts> {
  const texts = new Map<string, string>();
  const remarks: string[] = [];
  for (const chunk of pngChunks(bytes, what)) {
    if (!textTypes.has(chunk.type)) continue;
    if (texts.size + remarks.length >= maxTexts) {
      remarks.push(`texts after the first ${maxTexts} were left out`);
      break;
    }
    const read = await readText(chunk);
    if (typeof read === "string") remarks.push(read);
    else if (!texts.has(read.keyword)) texts.set(read.keyword, read.text);
  }
  return { texts, remarks };
}

/** The same picture with the texts before its pixels: tEXt where Latin-1 holds it, else iTXt in UTF-8. */
export function withPngTexts(
  png: Uint8Array,
  texts: ReadonlyMap<string, string>,
): Uint8Array<ArrayBuffer> {
  const parts: Uint8Array[] = [signature];
  for (const chunk of pngChunks(png, "the encoded picture")) {
    parts.push(encodeChunk(chunk));
    if (chunk.type === "IHDR")
      for (const [keyword, text] of texts) parts.push(encodeChunk(textChunk(keyword, text)));
  }
  return concat(parts);
}

/** The same picture without texts, for decoders that would inflate them whatever their size. */
export function withoutPngTexts(png: Uint8Array, what: string): Uint8Array {
  const chunks = [...pngChunks(png, what)];
  if (!chunks.some(({ type }) => textTypes.has(type))) return png;
  return concat([signature, ...chunks.filter((c) => !textTypes.has(c.type)).map(encodeChunk)]);
}

/** Keyword and text of a chunk, or why it was left out. */
async function readText({
  type,
  data,
}: PngChunk): Promise<{ keyword: string; text: string } | string> {
  const end = data.indexOf(0);
  if (end < 1 || end > 79) return "a text without a valid keyword was left out";
  const keyword = latin1(data.subarray(0, end));
  const rest = data.subarray(end + 1);
  const tooLarge = `the text ${quote(keyword)} was left out: it has more than ${maxTextBytes} bytes`;
  if (type === "tEXt")
    return rest.length > maxTextBytes ? tooLarge : { keyword, text: latin1(rest) };
  const { body, compressed } =
    type === "zTXt" ? { body: rest.subarray(1), compressed: true } : international(rest);
  const content = compressed ? await inflate(body) : body;
  if (content === "broken") return `the text ${quote(keyword)} was left out: it does not inflate`;
  if (content === "large" || content.length > maxTextBytes) return tooLarge;
  const text = type === "zTXt" ? latin1(content) : new TextDecoder().decode(content);
  return { keyword, text };
}

/** iTXt after its keyword: compression flag, method, language tag, translated keyword, text. */
function international(rest: Uint8Array): { body: Uint8Array; compressed: boolean } {
  const language = rest.indexOf(0, 2);
  const translated = rest.indexOf(0, language + 1);
  const complete = language >= 2 && translated > language;
  return {
    body: complete ? rest.subarray(translated + 1) : rest.subarray(rest.length),
    compressed: rest[0] === 1,
  };
}

/** Inflates a zlib stream and stops where it grows beyond the limit. */
async function inflate(bytes: Uint8Array): Promise<Uint8Array | "large" | "broken"> {
  const stream = new DecompressionStream("deflate");
  const writer = stream.writable.getWriter();
  // Both fail when the reader below stops or finds an error; it is the reader that reports.
  writer.write(new Uint8Array(bytes)).catch(() => undefined);
  writer.close().catch(() => undefined);
  const reader = stream.readable.getReader();
  const parts: Uint8Array[] = [];
  let length = 0;
  try {
    for (;;) {
      // The stream is of bytes; the library types its chunks as anything.
      const { done, value } = (await reader.read()) as { done: boolean; value?: Uint8Array };
      if (done || !value) return concat(parts);
      length += value.length;
      if (length > maxTextBytes) {
        await reader.cancel();
        return "large";
      }
      parts.push(value);
    }
  } catch {
    return "broken";
  }
}

function textChunk(keyword: string, text: string): PngChunk {
  if (!/^[\x21-\x7e](?:[\x20-\x7e]{0,77}[\x21-\x7e])?$/.test(keyword))
    throw new RequestError("texts", `${quote(keyword)} cannot be the keyword of a PNG text`);
  if (text.includes("\0")) throw new RequestError("texts", `${quote(keyword)}: a NUL in the text`);
  const name = new TextEncoder().encode(`${keyword}\0`);
  const codes = Array.from(text, (letter) => letter.codePointAt(0) ?? 0);
  if (codes.every((code) => code < 256))
    return { type: "tEXt", data: concat([name, Uint8Array.from(codes)]) };
  // No compression, no language, no translated keyword.
  const flags = new Uint8Array(4);
  return { type: "iTXt", data: concat([name, flags, new TextEncoder().encode(text)]) };
}

function encodeChunk({ type, data }: PngChunk): Uint8Array {
  const chunk = new Uint8Array(12 + data.length);
  const view = new DataView(chunk.buffer);
  view.setUint32(0, data.length);
  chunk.set(
    Uint8Array.from(type, (letter) => letter.charCodeAt(0)),
    4,
  );
  chunk.set(data, 8);
  view.setUint32(8 + data.length, crc32(chunk.subarray(4, 8 + data.length)));
  return chunk;
}

function latin1(bytes: Uint8Array): string {
  let text = "";
  // In pieces, for a call takes only so many arguments.
  for (let at = 0; at < bytes.length; at += 8192)
    text += String.fromCharCode(...bytes.subarray(at, at + 8192));
  return text;
}

/** The bytes of all parts, one after another. */
export function concat(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

const crcTable = Uint32Array.from({ length: 256 }, (_, n) => {
  let c = n;
  for (let k = 0; k < 8; k += 1) c = c & 1 ? 0xedb88320 ^ (c >>> 1) : c >>> 1;
  return c;
});

/** CRC-32 of ISO 3309, as PNG and zip have it. */
export function crc32(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of bytes) crc = crcTable[(crc ^ byte) & 0xff] ^ (crc >>> 8);
  return (crc ^ 0xffffffff) >>> 0;
}
