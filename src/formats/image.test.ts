/** @file Pictures against a slow PNG reader, closed forms and files of other programs. */
import { readFileSync } from "node:fs";
import { inflateSync } from "node:zlib";
import sharp from "sharp";
import { expect, test } from "vitest";
import { readUserComment } from "./exif.ts";
import { decodeImage, readImage, readPictureTexts } from "./image.node.ts";
import { encodePng } from "./png-encode.ts";
import { imageOf, withChannels, type Image } from "./image.ts";
import { pngChunks, readPngTexts } from "./png.ts";

const hostile = (name: string) => `tests/goldens/formats/hostile/images/${name}`;

/** Samples of a PNG without interlacing, straight from the specification. */
function slowPng(bytes: Uint8Array): { samples: number[]; channels: number } {
  const chunks = [...pngChunks(bytes, "test")];
  const header = Buffer.from(chunks[0].data);
  const [width, height, depth] = [header.readUInt32BE(0), header.readUInt32BE(4), header[8]];
  const channels = { 0: 1, 2: 3, 4: 2, 6: 4 }[header[9] as 0 | 2 | 4 | 6];
  const data = inflateSync(
    Buffer.concat(chunks.filter((c) => c.type === "IDAT").map((c) => c.data)),
  );
  const pixel = (channels * depth) / 8;
  const stride = width * pixel;
  const out = Buffer.alloc(stride * height);
  for (let y = 0; y < height; y += 1)
    for (let x = 0; x < stride; x += 1) {
      const a = x >= pixel ? out[y * stride + x - pixel] : 0;
      const b = y > 0 ? out[(y - 1) * stride + x] : 0;
      const c = x >= pixel && y > 0 ? out[(y - 1) * stride + x - pixel] : 0;
      const distances = [a, b, c].map((v) => Math.abs(a + b - c - v));
      const paeth = [a, b, c][distances.indexOf(Math.min(...distances))];
      const filter = data[y * (stride + 1)];
      const predicted = [0, a, b, (a + b) >> 1, paeth][filter];
      out[y * stride + x] = data[y * (stride + 1) + 1 + x] + predicted;
    }
  const samples = Array.from({ length: width * height * channels }, (_, i) =>
    depth === 16 ? out.readUInt16BE(2 * i) : out[i],
  );
  return { samples, channels };
}

test("16 bits become value / 257, rounded", async () => {
  const { samples, channels } = slowPng(readFileSync(hostile("grey16.png")));
  expect(channels).toBe(1);
  expect(new Set(samples.map((v) => v % 256)).size).toBeGreaterThan(20); // low bytes that matter
  const { image } = await readImage(hostile("grey16.png"), { channels: 1 });
  expect([...image.data]).toEqual(samples.map((v) => Math.round(v / 257)));
});

test("alpha is kept when asked for, else laid on the background", async () => {
  const { samples, channels } = slowPng(readFileSync(hostile("alpha.png")));
  expect(channels).toBe(4);
  const kept = await readImage(hostile("alpha.png"), { channels: 4 });
  expect([...kept.image.data]).toEqual(samples);
  const laid = await readImage(hostile("alpha.png"), { background: [10, 200, 0] });
  const expected = samples.flatMap((value, i) => {
    if (i % 4 === 3) return [];
    const alpha = samples[i - (i % 4) + 3] / 255;
    return [Math.round(value * alpha + [10, 200, 0][i % 4] * (1 - alpha))];
  });
  laid.image.data.forEach((value, i) => expect(Math.abs(value - expected[i])).toBeLessThan(1.01));
});

test("pictures turned by EXIF show what the upright one shows", async () => {
  const upright = (await readImage(hostile("upright.png"))).image;
  for (const name of ["orientation-3.jpg", "orientation-6.jpg", "orientation-8.jpg"]) {
    const { image } = await readImage(hostile(name));
    const { width, height } = image;
    const difference = image.data.reduce((sum, value, i) => {
      const [x, y, c] = [Math.floor(i / 3) % width, Math.floor(i / 3 / width), i % 3];
      // The stored rows are the upright ones; 3 turns them by 180°, 6 to the right, 8 to the left.
      const [u, v] = {
        3: [width - 1 - x, height - 1 - y],
        6: [y, width - 1 - x],
        8: [height - 1 - y, x],
      }[Number(name[12]) as 3 | 6 | 8];
      return sum + Math.abs(value - upright.data[(v * upright.width + u) * 3 + c]);
    }, 0);
    expect(difference / image.data.length).toBeLessThan(12); // JPEG loses 9.4; a wrong turn is off by 30 and more
  }
});

test.each([1, 3, 4] as const)("a PNG with %i channels comes back as it was", async (channels) => {
  const data = Uint8Array.from({ length: 5 * 7 * channels }, (_, i) => (i * 37 + 11) % 256);
  const image = imageOf(data, { width: 5, height: 7, channels });
  const png = await encodePng(image);
  const decoded = await decodeImage(png, { what: "x.png", channels });
  expect(decoded.image).toEqual(image);
  expect(decoded.remarks).toEqual([]);
  if (channels !== 1) expect(slowPng(png).samples).toEqual([...data]);
});

test("smooth, repeated and random rows all come back: every filter is used", async () => {
  const [width, height] = [64, 60];
  let seed = 1;
  const noise = () => (seed = (seed * 16807) % 2147483647) % 256;
  const kinds: ((x: number, y: number, c: number) => number)[] = [
    () => noise(),
    (x, _, c) => 3 * x + 50 * c,
    (x, y, c) => (x * x * 7 + c * 13 + (y >> 3)) % 256,
    (x, y) => x + y,
    (x, y, c) => 2 * x + 3 * y + c + (noise() % 4),
  ];
  const data = Uint8Array.from({ length: width * height * 3 }, (_, i) => {
    const [c, x, y] = [i % 3, Math.floor(i / 3) % width, Math.floor(i / 3 / width)];
    return kinds[Math.floor(y / 12)](x, y, c);
  });
  const image = imageOf(data, { width, height, channels: 3 });
  const decoded = await decodeImage(await encodePng(image), { what: "x.png" });
  expect(decoded.image).toEqual(image);
});

test("grey is the luma of Rec. 601, and becomes three equal channels", () => {
  const rgb = imageOf(Uint8Array.of(255, 0, 0, 0, 255, 0, 0, 0, 255), {
    width: 3,
    height: 1,
    channels: 3,
  });
  const grey = withChannels(rgb, 1);
  expect([...grey.data]).toEqual([76, 150, 29]);
  expect([...withChannels(grey, 3).data]).toEqual([76, 76, 76, 150, 150, 150, 29, 29, 29]);
  expect([...withChannels(grey, 4).data.slice(0, 4)]).toEqual([76, 76, 76, 255]);
});

const dot: Image = { width: 1, height: 1, channels: 3, data: Uint8Array.of(1, 2, 3) };

test("texts are tEXt where Latin-1 holds them, else iTXt, and other programs find them", async () => {
  const texts = new Map([
    ["parameters", "a café\nSteps: 1"],
    ["limn", "кот 🐱"],
  ]);
  const png = await encodePng(dot, texts);
  const types = [...pngChunks(png, "x")].map((chunk) => chunk.type);
  expect(types.slice(0, 3)).toEqual(["IHDR", "tEXt", "iTXt"]);
  expect((await readPngTexts(png, "x")).texts).toEqual(texts);
  const { comments } = await sharp(png).metadata();
  expect(comments?.find((c) => c.keyword === "limn")?.text).toBe("кот 🐱");
  await expect(encodePng(dot, new Map([["кот", "x"]]))).rejects.toThrow("cannot be the keyword");
  await expect(encodePng(dot, new Map([["a", "\0"]]))).rejects.toThrow("NUL");
});

test("a flipped bit anywhere in a PNG is found", async () => {
  const png = await encodePng(dot, new Map([["parameters", "x"]]));
  for (let at = 0; at < png.length; at += 1) {
    const damaged = png.slice();
    damaged[at] ^= 4;
    expect(() => [...pngChunks(damaged, "x")]).toThrow(/^x is /);
  }
});

/** A GIF of one pixel with a comment of so many blocks of 255 letters. */
async function gifWithComment(blocks: number): Promise<Uint8Array> {
  const pixel = { width: 1, height: 1, channels: 3, background: "red" } as const;
  const gif = await sharp({ create: pixel }).gif().toBuffer();
  const at = 13 + (gif[10] & 0x80 ? 3 * 2 ** ((gif[10] & 7) + 1) : 0);
  const block = Buffer.concat([Buffer.of(255), Buffer.alloc(255, "a")]);
  const comment = [Buffer.of(0x21, 0xfe), ...Array<Buffer>(blocks).fill(block), Buffer.of(0)];
  return Buffer.concat([gif.subarray(0, at), ...comment, gif.subarray(at)]);
}

test("comments of GIF and EXIF are read up to 4 MiB, the longer ones said to be left out", async () => {
  const text = (await readPictureTexts(await gifWithComment(1000), "x")).texts.get("parameters");
  expect(text).toBe("a".repeat(255_000));
  const large = await readPictureTexts(await gifWithComment(160_000), "x");
  const left = "the comment was left out: it has more than 4194304 bytes";
  expect(large).toEqual({ texts: new Map(), remarks: [left] });
  const exif = Buffer.alloc(2 ** 22 + 100);
  exif.write("II*\0", "latin1");
  exif.writeUInt32LE(8, 4);
  const entry = (at: number, tag: number, length: number, value: number) => {
    exif.writeUInt16LE(1, at);
    exif.writeUInt16LE(tag, at + 2);
    exif.writeUInt32LE(length, at + 6);
    exif.writeUInt32LE(value, at + 10);
  };
  entry(8, 0x8769, 1, 30);
  entry(30, 0x9286, 2 ** 22 + 1, 50);
  expect(readUserComment(exif)).toBe("large");
  entry(30, 0x9286, 2 ** 22, 50);
  expect(readUserComment(exif)).toEqual({ text: "" });
});

test("the texts of an empty file are none", async () => {
  await expect(readPictureTexts(new Uint8Array(0), "x.gif")).rejects.toThrow("x.gif is empty");
});
