/** @file Figures and a few letters drawn as strokes: a picture must not depend on the fonts of the machine. */

/** Paths on a grid 4 wide and 6 high; letters that go below the line reach 8. */
const glyphs: Readonly<Record<string, string>> = {
  "0": "M1.2 0H2.8Q4 0 4 1.5V4.5Q4 6 2.8 6H1.2Q0 6 0 4.5V1.5Q0 0 1.2 0Z",
  "1": "M0.8 1.2L2.4 0V6M0.8 6H4",
  "2": "M0 1.4Q0.2 0 2 0T4 1.6Q4 2.6 0 6H4",
  "3": "M0 0H3.8L1.8 2.4Q4 2.4 4 4.2T2 6Q0.4 6 0 4.8",
  "4": "M3 6V0L0 4.2H4",
  "5": "M3.6 0H0.5L0.2 2.8Q1 2.2 2 2.2Q4 2.2 4 4.1T2 6Q0.4 6 0 4.8",
  "6": "M3.4 0Q0 0.6 0 4Q0 6 2 6T4 4Q4 2.3 2 2.3T0 4",
  "7": "M0 0H4L1.4 6",
  "8": "M2 2.8Q0.3 2.8 0.3 1.4T2 0T3.7 1.4T2 2.8Q0 2.8 0 4.4T2 6T4 4.4T2 2.8Z",
  "9": "M0.6 6Q4 5.4 4 2Q4 0 2 0T0 2Q0 3.7 2 3.7T4 2",
  ".": "M1.8 5.6V6",
  "-": "M0.4 3.4H3.6",
  e: "M0 4H4Q4 2 2 2T0 4T2.2 6H3.6",
  l: "M2 0V5Q2 6 3 6",
  o: "M2 2Q0 2 0 4T2 6T4 4T2 2Z",
  p: "M0 8V2M0 4Q0 2 2 2T4 4T2 6T0 4",
  s: "M3.6 2.4Q3 2 2 2Q0.3 2 0.3 3T2 4T3.8 5T2 6Q0.8 6 0.2 5.5",
  t: "M1.4 0.6V5Q1.4 6 2.6 6H3.4M0.2 2H3.2",
};

const [scale, advance] = [1.7, 9.6];

/** SVG of a text in strokes; `y` is its top, about 10 pixels above its foot. */
export function strokeText(
  text: string,
  { x, y, align }: { x: number; y: number; align: "left" | "middle" | "right" },
): string {
  const width = text.length * advance - (advance - 4 * scale);
  const from = x - width * { left: 0, middle: 0.5, right: 1 }[align];
  const paths = [...text].map((character, i) => {
    const at = `${(from + i * advance).toFixed(1)} ${y.toFixed(1)}`;
    return `<path transform="translate(${at}) scale(${scale})" d="${glyphs[character] ?? ""}"/>`;
  });
  return `<g fill="none" stroke="#333" stroke-width="0.75" stroke-linecap="round" stroke-linejoin="round">${paths.join("")}</g>`;
}
