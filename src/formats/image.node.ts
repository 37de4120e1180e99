/** @file Pictures on disk and in memory, decoded by sharp under limits. */
import { readFile, stat } from "node:fs/promises";
import { basename, extname } from "node:path";
import type { Metadata, Sharp } from "sharp";
import { FormatError } from "../base/index.ts";
import { readGifComment, readUserComment } from "./exif.ts";
import { imageOf, maxTextBytes, withChannels, type Image, type PictureTexts } from "./image.ts";
import { isPng, pngChunks, pngSize, readPngTexts, withoutPngTexts } from "./png.ts";

/** What is accepted and what comes out. */
export interface DecodeOptions {
  /** How the picture is called in messages. */
  readonly what: string;
  /** 3, the default, lays alpha on the background; 4 keeps it; 1 is luma. */
  readonly channels?: Image["channels"];
  /** White by default, as in A1111. */
  readonly background?: readonly [number, number, number];
  /** 2^26 by default: 8192 × 8192. */
  readonly maxPixels?: number;
  /** 2^28 by default. */
  readonly maxBytes?: number;
}

/** A picture and what should be said about it. */
export interface DecodedImage {
  readonly image: Image;
  /** As its content says, whatever its name. */
  readonly format: string;
  readonly remarks: readonly string[];
}

const endings: Readonly<Record<string, readonly string[]>> = {
  png: [".png", ".apng"],
  jpeg: [".jpg", ".jpeg", ".jfif"],
  webp: [".webp"],
  gif: [".gif"],
  svg: [".svg"],
  heif: [".avif", ".heif"],
  tiff: [".tif", ".tiff"],
};

/** 8192 × 8192. */
const defaultMaxPixels = 2 ** 26;

/** Loaded when it is first needed: writing pictures does without, and starts sooner. */
const loadSharp = async () => (await import("sharp")).default;

/** Reads and decodes a picture file; the content decides about its format, not the name. */
export async function readImage(
  path: string,
  options: Partial<DecodeOptions> = {},
): Promise<DecodedImage> {
  const what = options.what ?? basename(path);
  const found = await stat(path).catch((cause: unknown) => {
    throw new FormatError(`${path} does not exist or cannot be reached`, { cause });
  });
  if (!found.isFile()) throw new FormatError(`${path} is not a file`);
  refuseSize(found.size, what, options.maxBytes);
  const decoded = await decodeImage(await readFile(path), { ...options, what });
  const ending = extname(path).toLowerCase();
  if (ending === "" || endings[decoded.format].includes(ending)) return decoded;
  const remark = `${what} has the ending ${ending}, but it is a ${decoded.format} picture`;
  return { ...decoded, remarks: [...decoded.remarks, remark] };
}

/** Decodes a picture upright, in sRGB, with 8 bits a channel (16 bits become value / 257, rounded). */
export async function decodeImage(
  bytes: Uint8Array,
  options: DecodeOptions,
): Promise<DecodedImage> {
  const { what, channels = 3, background, maxPixels = defaultMaxPixels } = options;
  refuseSize(bytes.length, what, options.maxBytes);
  const input = isPng(bytes) ? withoutPngTexts(bytes, what) : bytes;
  const sharp = await loadSharp();
  const source = sharp(input, { limitInputPixels: maxPixels, failOn: "error" });
  try {
    const metadata = await source.metadata();
    if (!(metadata.format in endings))
      throw new FormatError(`${what} is a ${metadata.format} file, which limn does not read`);
    const image = await decodeUpright(source, metadata);
    const remarks = [...frameRemarks(bytes, metadata, what), ...linkRemarks(bytes, metadata, what)];
    return { image: withChannels(image, channels, background), format: metadata.format, remarks };
  } catch (cause) {
    if (cause instanceof FormatError) throw cause;
    throw explain(cause, what, maxPixels);
  }
}

/** The texts of a picture: of PNG all chunks; of JPEG, WebP, AVIF and GIF the comment, as `parameters`,
 * which is where A1111 puts its infotext. A size that `readImage` would refuse is refused here too. */
export async function readPictureTexts(bytes: Uint8Array, what: string): Promise<PictureTexts> {
  refuseSize(bytes.length, what);
  if (isPng(bytes)) {
    checkPixels(pngSize(bytes, what), what);
    return readPngTexts(bytes, what);
  }
  const sharp = await loadSharp();
  const metadata = await sharp(bytes)
    .metadata()
    .catch((cause: unknown) => {
      throw explain(cause, what, 0x3fff ** 2); // sharp's own limit: no pixel is decoded here
    });
  checkPixels(metadata, what);
  const { format, exif } = metadata;
  const comment = format === "gif" ? readGifComment(bytes) : exif && readUserComment(exif);
  const left = `the comment was left out: it has more than ${maxTextBytes} bytes`;
  return comment === "large"
    ? { texts: new Map(), remarks: [left] }
    : { texts: new Map(comment && [["parameters", comment.text]]), remarks: [] };
}

async function decodeUpright(source: Sharp, { depth }: Metadata): Promise<Image> {
  const upright = source.autoOrient();
  const deep = depth === "ushort"; // libvips would cut the low byte instead of dividing
  const pixels = deep
    ? upright.toColourspace("rgb16").raw({ depth: "ushort" })
    : upright.toColourspace("srgb").raw();
  const { data, info } = await pixels.toBuffer({ resolveWithObject: true });
  const channels = info.channels as Image["channels"]; // sRGB with or without alpha: 3 or 4
  const bytes = deep ? eightBits(data) : new Uint8Array(data.buffer, data.byteOffset, data.length);
  return imageOf(bytes, { width: info.width, height: info.height, channels });
}

function eightBits(data: Buffer): Uint8Array {
  const view = new DataView(data.buffer, data.byteOffset, data.length);
  const bytes = new Uint8Array(data.length / 2);
  for (let i = 0; i < bytes.length; i += 1)
    bytes[i] = Math.round(view.getUint16(2 * i, true) / 257);
  return bytes;
}

function frameRemarks(bytes: Uint8Array, { pages = 1 }: Metadata, what: string): string[] {
  const frames = isPng(bytes) ? apngFrames(bytes, what) : pages;
  return frames > 1 ? [`${what} has ${frames} frames: the first is used`] : [];
}

/** The renderer has no base address for bytes in memory: it reads no file, fetches nothing, runs nothing. */
function linkRemarks(bytes: Uint8Array, { format }: Metadata, what: string): string[] {
  const active = /<script|<foreignObject|href\s*=\s*["'](?!#|data:)/i;
  return format === "svg" && active.test(new TextDecoder().decode(bytes))
    ? [`${what} has links or scripts: it was drawn without them`]
    : [];
}

/** Frames of an animated PNG, from its acTL chunk; decoders see the first only. */
function apngFrames(bytes: Uint8Array, what: string): number {
  for (const { type, data } of pngChunks(bytes, what))
    if (type === "acTL" && data.length >= 4)
      return new DataView(data.buffer, data.byteOffset).getUint32(0);
  return 1;
}

function checkPixels({ width, height }: { width: number; height: number }, what: string): void {
  if (width * height > defaultMaxPixels) throw tooManyPixels(what, defaultMaxPixels);
}

function tooManyPixels(what: string, limit: number, cause?: unknown): FormatError {
  return new FormatError(`${what} has more than the ${limit} pixels allowed`, { cause });
}

function refuseSize(size: number, what: string, maxBytes = 2 ** 28): void {
  if (size === 0) throw new FormatError(`${what} is empty`);
  if (size > maxBytes)
    throw new FormatError(`${what} has ${size} bytes, over the ${maxBytes} allowed for a picture`);
}

function explain(cause: unknown, what: string, maxPixels: number): FormatError {
  const reason = cause instanceof Error ? cause.message.split("\n")[0] : String(cause);
  if (reason.includes("pixel limit")) return tooManyPixels(what, maxPixels, cause);
  if (reason.includes("unsupported image format"))
    return new FormatError(`${what} is not a picture`, {
      cause,
      hint: "limn reads PNG, JPEG, WebP, GIF, AVIF, TIFF and SVG",
    });
  return new FormatError(`${what} is damaged or not a picture (${reason.trim()})`, { cause });
}
