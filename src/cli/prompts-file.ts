/** @file Files of prompts, one a line: all of them are checked before the first is drawn. */
import { readFile, stat } from "node:fs/promises";
import { inert, RequestError } from "../base/index.ts";
import { say } from "./print.ts";

const hint = "a prompts file is plain text in UTF-8 with one prompt a line";
/** A few hundred thousand prompts; what is larger was not meant. */
const maxBytes = 2 ** 26;

/** The lines of a file that are not blank; throws RequestError with the place of what no prompt can hold. */
export async function readPrompts(path: string): Promise<readonly string[]> {
  const fail = (message: string): never => {
    throw new RequestError("prompts", message, { hint });
  };
  const found = await stat(path).catch(() => fail(`there is no file ${path} that can be read`));
  if (found.isDirectory()) fail(`${path} is a folder`);
  if (found.size > maxBytes) fail(`${path} has ${found.size} bytes, more than any list of prompts`);
  const bytes = await readFile(path).catch(() => fail(`${path} cannot be read`));
  const lines = linesOf(bytes).map((line, i) => {
    const text = textOf(line);
    if (text === null) return fail(`line ${i + 1} of ${path} is not UTF-8`);
    // eslint-disable-next-line no-control-regex -- what no prompt holds and no PNG takes
    const [control] = /[\u0000-\u0008\u000b-\u001f\u007f]/.exec(text) ?? [];
    if (control !== undefined)
      fail(`line ${i + 1} of ${path} is not text: it holds ${inert(control)}`);
    return text;
  });
  const prompts = lines.filter((line) => line.trim() !== "");
  if (prompts.length === 0) fail(`${path} has no lines`);
  const marked = prompts.filter((line) => line.trimStart().startsWith("#")).length;
  if (marked > 0) say(`limn: lines of ${path} that begin with # are drawn too: ${marked}`);
  return prompts;
}

/** A file's lines without their ends. */
function linesOf(bytes: Buffer): Buffer[] {
  const lines: Buffer[] = [];
  for (let at = 0; at <= bytes.length;) {
    const end = bytes.indexOf(0x0a, at);
    const next = end === -1 ? bytes.length : end;
    const returned = next > at && bytes[next - 1] === 0x0d ? 1 : 0;
    lines.push(bytes.subarray(at, next - returned));
    at = next + 1;
  }
  return lines;
}

/** A line's text; null where it is not UTF-8. A byte order mark at the beginning is none of it. */
function textOf(line: Uint8Array): string | null {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(line);
  } catch {
    return null;
  }
}
