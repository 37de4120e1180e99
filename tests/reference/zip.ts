/** @file The slow obvious zip writer: every entry stored, every field of the headers to be chosen. */
import { crc32 } from "../../src/formats/index.ts";

/** An entry; what is left out is as any honest writer would have it. */
export interface PlainEntry {
  readonly path: string;
  readonly data: Uint8Array;
  /** What the headers claim to be the size unpacked. */
  readonly claimed?: number;
  /** Mode of Unix, file type included. */
  readonly mode?: number;
  readonly method?: number;
  readonly flags?: number;
}

function fields(pairs: readonly (readonly [bytes: 2 | 4, value: number])[]): Buffer {
  return Buffer.concat(
    pairs.map(([bytes, value]) => {
      const field = Buffer.alloc(bytes);
      field.writeUIntLE(value, 0, bytes);
      return field;
    }),
  );
}

/** An archive of these entries: APPNOTE 6.3, sections 4.3.7, 4.3.12 and 4.3.16. */
export function zipOf(entries: readonly PlainEntry[]): Buffer {
  const local: Buffer[] = [];
  const central: Buffer[] = [];
  let at = 0;
  for (const {
    path,
    data,
    claimed = data.length,
    mode = 0o100644,
    method = 0,
    flags = 0,
  } of entries) {
    const name = Buffer.from(path);
    const middle = [
      ...([
        [2, 20],
        [2, flags],
        [2, method],
        [2, 0],
        [2, 0x21],
      ] as const),
      ...([
        [4, crc32(data)],
        [4, data.length],
        [4, claimed],
        [2, name.length],
        [2, 0],
      ] as const),
    ];
    const head = Buffer.concat([fields([[4, 0x04034b50], ...middle]), name, data]);
    local.push(head);
    const tail = [
      [2, 0],
      [2, 0],
      [2, 0],
      [4, (mode << 16) >>> 0],
      [4, at],
    ] as const;
    central.push(fields([[4, 0x02014b50], [2, 0x314], ...middle, ...tail]), name);
    at += head.length;
  }
  const directory = Buffer.concat(central);
  const count = entries.length;
  const end = fields([
    [4, 0x06054b50],
    [2, 0],
    [2, 0],
    [2, count],
    [2, count],
    [4, directory.length],
    [4, at],
    [2, 0],
  ]);
  return Buffer.concat([...local, directory, end]);
}
