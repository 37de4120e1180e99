/** @file The comments that JPEG, WebP and GIF pictures carry: EXIF UserComment (tag 9286) and GIF89a. */
import { maxTextBytes } from "./image.ts";

/** A comment larger than `maxTextBytes` is not read. */
export type Comment = { readonly text: string } | "large" | undefined;

const exifFolder = 0x8769;
const userComment = 0x9286;

/** The UserComment of an EXIF block (with or without its "Exif" mark), if there is a whole one. */
export function readUserComment(exif: Uint8Array): Comment {
  const marked = exif[0] === 0x45 && exif[1] === 0x78; // "Exif\0\0"
  const tiff = marked ? exif.subarray(6) : exif;
  if (tiff.length < 8) return undefined;
  const little = tiff[0] === 0x49; // "II", else "MM"
  const view = new DataView(tiff.buffer, tiff.byteOffset, tiff.length);
  const folder = findEntry(view, view.getUint32(4, little), exifFolder, little);
  if (folder === undefined) return undefined;
  const entry = findEntry(view, view.getUint32(folder + 8, little), userComment, little);
  if (entry === undefined) return undefined;
  const [length, at] = [view.getUint32(entry + 4, little), view.getUint32(entry + 8, little)];
  // Up to four bytes would lie in the entry itself: too short for the code that comes first.
  if (length < 8 || at + length > tiff.length) return undefined;
  if (length > maxTextBytes) return "large";
  return { text: decodeComment(tiff.subarray(at, at + length), little) };
}

/** Where the 12 bytes of a tag begin in the directory at `at`. */
function findEntry(view: DataView, at: number, tag: number, little: boolean): number | undefined {
  if (at + 2 > view.byteLength) return undefined;
  const count = view.getUint16(at, little);
  for (let i = 0; i < count; i += 1) {
    const entry = at + 2 + 12 * i;
    if (entry + 12 > view.byteLength) return undefined;
    if (view.getUint16(entry, little) === tag) return entry;
  }
  return undefined;
}

/** Eight bytes name the code; writers disagree about the byte order of UNICODE, so the text decides. */
function decodeComment(bytes: Uint8Array, little: boolean): string {
  const code = String.fromCharCode(...bytes.subarray(0, 8)).replace(/\0+$/, "");
  const text = bytes.subarray(8);
  if (code !== "UNICODE") return new TextDecoder().decode(text).replace(/\0+$/, "");
  let zeros = 0; // of Latin letters the high byte is zero: first in big-endian text
  text.forEach((byte, i) => (zeros += byte === 0 ? (i % 2 === 0 ? 1 : -1) : 0));
  const order = zeros === 0 ? little : zeros < 0;
  return new TextDecoder(order ? "utf-16le" : "utf-16be").decode(text);
}

/** The first comment of a GIF, UTF-8, if there is a whole one. */
export function readGifComment(bytes: Uint8Array): Comment {
  const tableBytes = (flags: number) => (flags & 0x80 ? 3 * 2 ** ((flags & 7) + 1) : 0);
  let at = 13 + tableBytes(bytes[10]);
  while (at < bytes.length) {
    const mark = bytes[at];
    if (mark === 0x2c) {
      at = skipBlocks(bytes, at + 11 + tableBytes(bytes[at + 9]));
    } else if (mark === 0x21 && bytes[at + 1] === 0xfe) {
      return gifText(bytes, at + 2);
    } else if (mark === 0x21) {
      at = skipBlocks(bytes, at + 2);
    } else return undefined;
  }
  return undefined;
}

/** The text in length-prefixed blocks up to the empty one. */
function gifText(bytes: Uint8Array, start: number): Comment {
  const end = skipBlocks(bytes, start) - 1;
  // Each block adds one byte to its 255 at most, so this is too large at a 256th more.
  if (end - start > maxTextBytes + maxTextBytes / 255) return "large";
  const text = new Uint8Array(end - start);
  let length = 0;
  for (let at = start; at < end; at += 1 + bytes[at]) {
    const part = bytes.subarray(at + 1, Math.min(at + 1 + bytes[at], end));
    text.set(part, length);
    length += part.length;
  }
  return { text: new TextDecoder().decode(text.subarray(0, length)) };
}

/** Passes over length-prefixed blocks up to the empty one. */
function skipBlocks(bytes: Uint8Array, at: number): number {
  while (at < bytes.length && bytes[at] > 0) at += 1 + bytes[at];
  return Math.min(at, bytes.length) + 1;
}
