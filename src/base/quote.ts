/** @file Text of unknown origin in messages: shortened, and without power over the terminal that shows it. */

// JSON leaves DEL, C1, line separators and directional marks as they are; a terminal obeys them.
const obeyed = /[\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]/g;

const escaped = (text: string) =>
  text.replace(obeyed, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, "0")}`);

const shortened = (text: string, length: number) =>
  text.length > length ? `${text.slice(0, length)}…` : text;

/** Text in quotes, cut to `length` characters, with control characters escaped as JSON has them. */
export function quote(text: string, length = 60): string {
  return escaped(JSON.stringify(shortened(text, length)));
}

/** A value of a JSON file for a message, as `quote` has text; undefined is "nothing". */
export function shown(value: unknown, length = 60): string {
  if (value === undefined) return "nothing";
  return typeof value === "string"
    ? quote(value, length)
    : escaped(shortened(JSON.stringify(value), length));
}

/** Names in a row, as they are where that is harmless, else quoted; those after the first five are only counted. */
export function listed(names: readonly string[]): string {
  const bare = (name: string) => (/^[\w./-]{1,120}$/.test(name) ? name : quote(name));
  const more = names.length > 5 ? `, and ${names.length - 5} more` : "";
  return names.slice(0, 5).map(bare).join(", ") + more;
}
