/** @file Text of unknown origin in messages: shortened, and without power over the terminal that shows it. */

// What a terminal obeys: C0 but for the tab, DEL, C1, line separators and directional marks.
const commands =
  // eslint-disable-next-line no-control-regex -- it is what this is about
  /[\u0000-\u0008\u000a-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]/g;
// JSON leaves DEL, C1, line separators and directional marks as they are; a terminal obeys them.
const obeyed = /[\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]/g;

const escaped = (text: string) => text.replace(obeyed, escape);
const escape = (letter: string) => `\\u${letter.charCodeAt(0).toString(16).padStart(4, "0")}`;

const shortened = (text: string, length: number) =>
  text.length > length ? `${text.slice(0, length)}…` : text;

/** Text as one line that a terminal shows and does not obey: control characters, newlines and directional marks as JSON has them. */
export function inert(text: string): string {
  return text.replace(commands, (letter) => (letter === "\n" ? "\\n" : escape(letter)));
}

/** A value as JSON in which every character that a terminal obeys is escaped: it reads as the same value. */
export function inertJson(
  value: unknown,
  replace?: (key: string, value: unknown) => unknown,
): string {
  return escaped(JSON.stringify(value, replace));
}

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
