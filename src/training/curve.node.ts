/** @file The loss curve as a picture: every step faint, their running mean bold, axes with figures. */
import sharp from "sharp";

interface Point {
  readonly step: number;
  readonly loss: number;
}

/** Strokes of the digits on a 4 × 6 grid: figures must not depend on the fonts of the machine. */
const strokes: Readonly<Record<string, string>> = {
  "0": "M0 0H4V6H0Z",
  "1": "M1 1L2 0V6M1 6H3",
  "2": "M0 0H4V3H0V6H4",
  "3": "M0 0H4V6H0M1 3H4",
  "4": "M0 0V3H4M4 0V6",
  "5": "M4 0H0V3H4V6H0",
  "6": "M4 0H0V6H4V3H0",
  "7": "M0 0H4L2 6",
  "8": "M0 0H4V6H0ZM0 3H4",
  "9": "M0 6H4V0H0V3H4",
  ".": "M1 6H2",
  "-": "M0 3H3",
  e: "M0 4H4V2H0V6H4",
};

function figure(text: string, x: number, y: number, align: "left" | "right"): string {
  const from = align === "left" ? x : x - text.length * 9;
  const glyphs = [...text].map(
    (c, i) =>
      `<path transform="translate(${from + i * 9} ${y}) scale(1.4)" d="${strokes[c] ?? ""}"/>`,
  );
  return `<g fill="none" stroke="#444" stroke-width="0.8">${glyphs.join("")}</g>`;
}

const [width, height, left, bottom, top] = [900, 420, 70, 30, 16];

/** Running mean over the steps before, as far back as a fiftieth of the run. */
function smooth(points: readonly Point[]): Point[] {
  const keep = 1 - 1 / Math.max(1, points.length / 50);
  let [mean, weight] = [0, 0];
  return points.map(({ step, loss }) => {
    mean = keep * mean + (1 - keep) * loss;
    weight = keep * weight + (1 - keep);
    return { step, loss: mean / weight };
  });
}

/** Draws losses over steps, the loss axis logarithmic: a PNG of 900 × 420 pixels. */
export async function lossCurve(points: readonly Point[]): Promise<Uint8Array> {
  const positive = points.filter(({ loss }) => loss > 0);
  const values = positive.map(({ loss }) => loss).sort((a, b) => a - b);
  // The highest hundredth is left to leave the frame: the first steps would flatten all the others.
  const high = Math.log10(values[Math.floor(values.length * 0.99)] ?? 1) + 0.05;
  const low = Math.min(Math.log10(values[0] ?? 0.1), high - 0.1);
  const last = positive.at(-1)?.step ?? 1;
  const x = (step: number) => left + (step / last) * (width - left - 20);
  const y = (log: number) => top + ((high - log) / (high - low)) * (height - bottom - top);
  const line = (list: readonly Point[]) =>
    list.map((p) => `${x(p.step).toFixed(1)},${y(Math.log10(p.loss)).toFixed(1)}`).join(" ");
  const every = Math.max(1, Math.floor(positive.length / 2000));
  const thin = positive.filter((_, i) => i % every === 0);
  const ticks = Array.from({ length: 5 }, (_, i) => i / 4);
  const grid = ticks.map((t) => {
    const log = low + t * (high - low);
    const label = (10 ** log).toPrecision(2);
    return `<path stroke="#ddd" d="M${left} ${y(log)}H${width - 20}"/>${figure(label, left - 8, y(log) - 4, "right")}${figure(String(Math.round(t * last)), x(t * last), height - 20, t < 1 ? "left" : "right")}`;
  });
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}">
    <rect width="100%" height="100%" fill="white"/>${grid.join("")}
    <clipPath id="frame"><rect x="${left}" y="${top}" width="${width - left - 20}" height="${height - bottom - top}"/></clipPath>
    <g clip-path="url(#frame)" fill="none"><polyline stroke="#9cc3e6" points="${line(thin)}"/>
    <polyline stroke="#1f5fa8" stroke-width="2" points="${line(smooth(positive).filter((_, i) => i % every === 0))}"/></g></svg>`;
  return sharp(Buffer.from(svg)).png().toBuffer();
}
