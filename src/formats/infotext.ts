/** @file The text in which A1111 keeps a picture's parameters: prompt, negative prompt, one line of pairs. */

/** What an infotext says; values are text as written, without quotes. */
export interface Infotext {
  readonly prompt: string;
  readonly negative: string;
  /** In the order written. `Size: 512x768` is kept as `Size-1` and `Size-2`, as A1111 does. */
  readonly parameters: ReadonlyMap<string, string>;
}

/** Keys in the order in which A1111 1.10 writes them; others follow, and the last two end the line. */
const keyOrder = [
  ...["Steps", "Sampler", "Schedule type", "CFG scale", "Image CFG scale", "Seed"],
  ...["Face restoration", "Size", "Model hash", "Model", "FP8 weight"],
  ...["Cache FP16 weight for LoRA", "VAE hash", "VAE", "Variation seed"],
  ...["Variation seed strength", "Seed resize from", "Denoising strength"],
  ...["Conditional mask weight", "Clip skip", "ENSD", "Token merging ratio"],
  ...["Token merging ratio hr", "Init image hash", "RNG", "Tiling"],
];
const lastKeys = ["Version", "User"];
const negativeMark = "Negative prompt:";

/** Reads an infotext; text without parameters is all prompt. Never fails, takes linear time. */
export function parseInfotext(text: string): Infotext {
  const lines = text.trim().split("\n");
  const pairs = readPairs(lines[lines.length - 1]);
  // Fewer than three pairs are an accident of the prompt: A1111's own rule.
  if (pairs.length >= 3) lines.pop();
  const parts = { prompt: [] as string[], negative: [] as string[] };
  let part: keyof typeof parts = "prompt";
  for (let line of lines.map((each) => each.trim())) {
    if (line.startsWith(negativeMark)) {
      part = "negative";
      line = line.slice(negativeMark.length).trim();
    }
    parts[part].push(line);
  }
  const parameters = new Map<string, string>();
  for (const [key, value] of pairs.length >= 3 ? pairs : []) {
    const size = /^(\d+)x(\d+)$/.exec(value);
    if (size) parameters.set(`${key}-1`, size[1]).set(`${key}-2`, size[2]);
    else parameters.set(key, unquote(value));
  }
  return { prompt: parts.prompt.join("\n"), negative: parts.negative.join("\n"), parameters };
}

/** Writes an infotext, keys in A1111's order whatever order they come in. */
export function printInfotext({ prompt, negative, parameters }: Infotext): string {
  const pairs: [string, string][] = [];
  for (const [key, value] of parameters) {
    const [, name, half] = /^(.*)-([12])$/.exec(key) ?? [];
    const [first, second] = [parameters.get(`${name}-1`), parameters.get(`${name}-2`)];
    if (first === undefined || second === undefined) pairs.push([key, value]);
    else if (half === "1") pairs.push([name, `${first}x${second}`]);
  }
  const sorted = pairs.toSorted(([a], [b]) => rank(a) - rank(b));
  const line = sorted.map(([key, value]) => (key === value ? key : `${key}: ${quoted(value)}`));
  const negativeLines = negative === "" ? [] : [`${negativeMark} ${negative}`];
  return [prompt, ...negativeLines, line.join(", ")].join("\n").trim();
}

function rank(key: string): number {
  const last = lastKeys.indexOf(key);
  if (last >= 0) return keyOrder.length + 1 + last;
  const place = keyOrder.indexOf(key);
  return place >= 0 ? place : keyOrder.length;
}

function quoted(value: string): string {
  return /[,\n:]|^"/.test(value) ? JSON.stringify(value) : value;
}

function unquote(value: string): string {
  if (!value.startsWith('"')) return value;
  try {
    const inner: unknown = JSON.parse(value);
    return typeof inner === "string" ? inner : value;
  } catch {
    return value; // quotes that are no JSON are part of the value
  }
}

/** The pairs that `\s*(\w[\w \-/]+):\s*("(?:\\.|[^\\"])+"|[^,]*)(?:,|$)` finds, without its backtracking:
 * a key is what stands before a colon, a value a quoted text or all up to the next comma. */
function readPairs(line: string): [string, string][] {
  const pairs: [string, string][] = [];
  let from = 0; // where the last match ended
  for (
    let colon = line.indexOf(":");
    colon >= 0;
    colon = line.indexOf(":", Math.max(from, colon + 1))
  ) {
    let start = colon;
    while (start > from && /[\p{L}\p{N}_ \-/]/u.test(line[start - 1])) start -= 1;
    while (start < colon && /[ \-/]/.test(line[start])) start += 1;
    if (colon - start < 2) continue;
    let at = colon + 1;
    while (at < line.length && /\s/.test(line[at])) at += 1;
    const end = valueEnd(line, at);
    pairs.push([line.slice(start, colon), line.slice(at, end)]);
    from = end + 1;
  }
  return pairs;
}

function valueEnd(line: string, at: number): number {
  const quotedValue = /"(?:\\.|[^\\"])+"(?=,|$)/y;
  quotedValue.lastIndex = at;
  if (quotedValue.test(line)) return quotedValue.lastIndex;
  const comma = line.indexOf(",", at);
  return comma < 0 ? line.length : comma;
}
