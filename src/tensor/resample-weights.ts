/** @file The filters of linear and cubic resizing as matrices: row i holds what place i takes from each element. */

/** One row per place of the result. */
export type Weights = readonly (readonly number[])[];

/** One axis to resize; `step` is the distance between two places, in elements of the input. */
export interface AxisResize {
  readonly length: number;
  readonly out: number;
  readonly step: number;
  readonly alignCorners: boolean;
  readonly antialias: boolean;
}

/** The triangle of width 2. */
const triangle = (x: number) => Math.max(0, 1 - Math.abs(x));

/** Keys' cubic convolution kernel of width 4: Keys 1981, eq. 15 with his a. */
function keys(x: number, a: number): number {
  const d = Math.abs(x);
  if (d <= 1) return ((a + 2) * d - (a + 3)) * d * d + 1;
  return d < 2 ? (((d - 5) * d + 8) * d - 4) * a : 0;
}

/** Where place i falls among the input's elements, their centres being whole numbers. */
function centre(i: number, { length, out, step, alignCorners }: AxisResize): number {
  if (alignCorners) return out > 1 ? (i * (length - 1)) / (out - 1) : 0;
  return step * (i + 0.5) - 0.5;
}

/** Filter values at the nearest `2 · reach` elements; those beyond an end count for the end. */
function sampled(
  axis: AxisResize,
  reach: number,
  at: (i: number) => number,
  f: (x: number) => number,
): Weights {
  return Array.from({ length: axis.out }, (_, i) => {
    const row = Array<number>(axis.length).fill(0);
    const c = at(i);
    const first = Math.floor(c) - reach + 1;
    for (let k = first; k < first + 2 * reach; k++)
      row[Math.min(Math.max(k, 0), axis.length - 1)] += f(k - c);
    return row;
  });
}

/** Filter stretched by the step when shrinking, cut at the ends and brought to sum 1: Pillow's resize. */
function stretched(
  { length, out, step }: AxisResize,
  reach: number,
  f: (x: number) => number,
): Weights {
  const stretch = Math.max(step, 1);
  return Array.from({ length: out }, (_, i) => {
    const c = step * (i + 0.5);
    const from = Math.max(Math.trunc(c - reach * stretch + 0.5), 0);
    const to = Math.min(Math.trunc(c + reach * stretch + 0.5), length);
    const raw = Array.from({ length }, (_, k) =>
      k >= from && k < to ? f((k - c + 0.5) / stretch) : 0,
    );
    const sum = raw.reduce((a, b) => a + b, 0);
    return raw.map((w) => w / sum);
  });
}

/** Linear between the two nearest elements; before the first centre the first element counts alone. */
export function bilinearWeights(axis: AxisResize): Weights {
  if (axis.antialias) return stretched(axis, 1, triangle);
  return sampled(axis, 1, (i) => Math.max(centre(i, axis), 0), triangle);
}

/** Cubic over the four nearest elements: a = −0.75 as in PyTorch and OpenCV, but −0.5 with antialiasing, as in Pillow. */
export function bicubicWeights(axis: AxisResize): Weights {
  if (axis.antialias) return stretched(axis, 2, (x) => keys(x, -0.5));
  return sampled(
    axis,
    2,
    (i) => centre(i, axis),
    (x) => keys(x, -0.75),
  );
}
