/** @file Many short texts, side by side. */

/** Lines of texts in columns of one width, read down one column after another. A text wider than the line stands alone. */
export function columnsOf(texts: readonly string[], width: number): string[] {
  const widest = Math.max(...texts.map(lengthOf)) + 2;
  const columns = Math.max(1, Math.floor(width / widest));
  const rows = Math.ceil(texts.length / columns);
  return texts.slice(0, rows).map((_, row) => {
    const line = texts.filter((_, i) => i % rows === row);
    return line
      .map((text) => text + " ".repeat(widest - lengthOf(text)))
      .join("")
      .trimEnd();
  });
}

const lengthOf = (text: string) => [...text].length;
