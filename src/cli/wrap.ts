/** @file Long lists as lines of a terminal. */

const lengthOf = (text: string) => [...text].length;

/** A list behind a head, parted by commas, in lines of at most `width` characters; a text that is wider stands alone. */
export function wrapList(head: string, texts: readonly string[], width: number): string[] {
  const indent = " ".repeat(lengthOf(head));
  const lines: string[] = [];
  let line = head;
  texts.forEach((text, i) => {
    const item = i < texts.length - 1 ? `${text},` : text;
    const begun = line !== head && line !== indent;
    if (begun && lengthOf(line) + 1 + lengthOf(item) > width) {
      lines.push(line);
      line = indent;
    }
    line += ` ${item}`;
  });
  return [...lines, line];
}
