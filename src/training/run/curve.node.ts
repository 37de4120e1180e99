/** @file The loss curve as a picture: every step faint, their running mean bold, axes with round figures. */
import sharp from "sharp";
import { strokeText } from "./strokes.ts";

interface Point {
  readonly step: number;
  readonly loss: number;
}

const [width, height] = [900, 420];
const frame = { left: 72, right: width - 24, top: 34, bottom: height - 44 };

/** Mean over the neighbours of each step, a hundredth of the run to either side. */
function smooth(points: readonly Point[]): Point[] {
  const reach = Math.floor(points.length / 100);
  const sums = [0];
  for (const { loss } of points) sums.push(sums[sums.length - 1] + loss);
  return points.map(({ step }, i) => {
    // To both sides: a mean that looks only back would lie above a falling curve.
    const from = Math.max(0, i - reach);
    const to = Math.min(points.length, i + reach + 1);
    return { step, loss: (sums[to] - sums[from]) / (to - from) };
  });
}

/** Multiples of 1, 2 or 5 times a power of ten between two numbers, at most `most` and one of them. */
function roundSteps(low: number, high: number, most: number): number[] {
  const rough = (high - low) / most;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = power * ([1, 2, 5, 10].find((factor) => factor * power >= rough) ?? 10);
  const first = Math.ceil(low / step);
  return Array.from({ length: Math.floor(high / step) - first + 1 }, (_, i) => (first + i) * step);
}

/** Figures of a logarithmic axis: 1, 2, 5, 10, … where they are neither few nor many. */
function lossTicks(low: number, high: number): number[] {
  const exponents = Array.from({ length: 40 }, (_, i) => i - 20);
  const inside = (factors: readonly number[]) =>
    exponents
      .flatMap((exponent) => factors.map((factor) => factor * 10 ** exponent))
      .filter((value) => value >= low && value <= high);
  const fine = inside([1, 2, 5]);
  if (fine.length > 8) return inside([1]);
  return fine.length > 2 ? fine : roundSteps(low, high, 5);
}

const figure = (value: number) => {
  const short = Number(value.toPrecision(3));
  return value < 1e-3 ? short.toExponential() : String(short);
};

/** Colours of each run: its steps and their mean. */
const colours = [
  ["#9cc3e6", "#1f5fa8"],
  ["#f5c4ad", "#c2410c"],
  ["#bfe0b8", "#2e7d32"],
] as const;

/** Draws losses over steps, the loss axis logarithmic: a PNG of 900 × 420 pixels. Runs are blue, orange and green. */
export async function lossCurve(...all: readonly (readonly Point[])[]): Promise<Uint8Array> {
  const runs = all.map((points) => points.filter(({ loss }) => loss > 0 && Number.isFinite(loss)));
  const positive = runs.flat();
  const sorted = positive.map(({ loss }) => loss).sort((a, b) => a - b);
  const quantile = (q: number) => sorted[Math.floor((sorted.length - 1) * q)] ?? 1;
  // The highest hundredth may leave the frame: the first steps would flatten all the others.
  const [low, high] = [quantile(0.002) * 0.93, quantile(0.99) * 1.07];
  const last = Math.max(1, ...runs.map((points) => points.at(-1)?.step ?? 1));
  const { left, right, top, bottom } = frame;
  const x = (step: number) => left + (step / last) * (right - left);
  const y = (loss: number) => top + (Math.log(high / loss) / Math.log(high / low)) * (bottom - top);
  const line = (list: readonly Point[]) =>
    list.map(({ step, loss }) => `${x(step).toFixed(1)},${y(loss).toFixed(1)}`).join(" ");
  const thin = (list: readonly Point[]) => {
    const every = Math.max(1, Math.floor(list.length / 2000));
    return list.filter((_, i) => i % every === 0);
  };
  const faint = runs.map(
    (points, i) => `<polyline stroke="${colours[i][0]}" points="${line(thin(points))}"/>`,
  );
  const bold = runs.map(
    (points, i) =>
      `<polyline stroke="${colours[i][1]}" stroke-width="2" points="${line(thin(smooth(points)))}"/>`,
  );

  const rows = lossTicks(low, high).map(
    (value) =>
      `<path stroke="#ddd" d="M${left} ${y(value)}H${right}"/>` +
      strokeText(figure(value), { x: left - 10, y: y(value) - 5, align: "right" }),
  );
  const columns = roundSteps(0, last, Math.min(8, last)).map(
    (step) =>
      `<path stroke="#999" d="M${x(step)} ${bottom}v5"/>` +
      strokeText(String(step), { x: x(step), y: bottom + 11, align: "middle" }),
  );
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}">
    <rect width="100%" height="100%" fill="white"/>${rows.join("")}${columns.join("")}
    <path stroke="#999" fill="none" d="M${left} ${top}V${bottom}H${right}"/>
    ${strokeText("loss", { x: left - 10, y: 10, align: "right" })}
    ${strokeText("step", { x: right, y: bottom + 27, align: "right" })}
    <clipPath id="frame"><rect x="${left}" y="${top}" width="${right - left}" height="${bottom - top}"/></clipPath>
    <g clip-path="url(#frame)" fill="none" stroke-linejoin="round">${faint.join("")}${bold.join("")}</g></svg>`;
  return sharp(Buffer.from(svg)).png().toBuffer();
}
