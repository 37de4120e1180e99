/**
 * @file What CLIP's tokenizer does to a text before any pair is merged: normalise, cut into pieces, write bytes as letters.
 * Radford et al. 2021, as the "fast" tokenizers do it (nothing is dropped, lower case letter by letter).
 */

/** Suffix of the last symbol of a piece. */
export const wordEnd = "</w>";

/** Unicode's white space: unlike `\s` it holds U+0085 and does not hold U+FEFF. */
const whiteSpace = /\p{White_Space}+/gu;

/** Contractions, runs of letters, single digits, runs of everything else that is not space. */
const piece = /'s|'t|'re|'ve|'m|'ll|'d|\p{L}+|\p{N}|[^\p{White_Space}\p{L}\p{N}]+/gu;

/** NFC, runs of white space to one space, lower case letter by letter (so Σ is never a final ς). */
export function normalize(text: string): string {
  return text.normalize("NFC").replace(whiteSpace, " ").replaceAll("Σ", "σ").toLowerCase();
}

/** The pieces of a normalised text; each is tokenised by itself. */
export function splitPieces(text: string): string[] {
  return text.match(piece) ?? [];
}

const printable = (byte: number) =>
  (byte >= 33 && byte <= 126) || (byte >= 161 && byte <= 172) || byte >= 174;

const allBytes = Array.from({ length: 256 }, (_, byte) => byte);

/** The 256 bytes in the order of the vocabulary: printable Latin-1 first. */
export const byteOrder: readonly number[] = [
  ...allBytes.filter(printable),
  ...allBytes.filter((byte) => !printable(byte)),
];

/** The visible letter that stands for each byte in vocab.json and merges.txt: itself, else U+0100 and following. */
export const byteLetters: readonly string[] = (() => {
  const others = allBytes.filter((byte) => !printable(byte));
  return allBytes.map((byte) =>
    String.fromCodePoint(printable(byte) ? byte : 256 + others.indexOf(byte)),
  );
})();

const letterBytes = new Map(byteLetters.map((letter, byte) => [letter, byte]));
const utf8 = new TextEncoder();

/** UTF-8 bytes of a piece; lone surrogates become U+FFFD. */
export function toBytes(text: string): Uint8Array {
  return utf8.encode(text);
}

/** The text whose bytes the letters stand for; what is no UTF-8 becomes U+FFFD, letters that stand for nothing stay. */
export function fromLetters(letters: string): string {
  const bytes = Array.from(letters).flatMap((letter) => {
    const byte = letterBytes.get(letter);
    return byte === undefined ? [...toBytes(letter)] : [byte];
  });
  return new TextDecoder("utf-8", { ignoreBOM: true }).decode(Uint8Array.from(bytes));
}
