/** @file Lists of numbers made with the roundings of NumPy and torch, which decide timesteps and tables. */

/** n numbers from start to stop, both included (start alone for n = 1), in f64. */
export function linspace(start: number, stop: number, n: number): number[] {
  const step = (stop - start) / (n - 1);
  return Array.from({ length: n }, (_, i) =>
    i > 0 && i === n - 1 ? stop : start + (i && i * step),
  );
}

/** `linspace` in f32, counted from both ends towards the middle as torch does. */
export function linspace32(start: number, stop: number, n: number): Float32Array {
  const [first, last] = [Math.fround(start), Math.fround(stop)];
  const step = Math.fround(Math.fround(last - first) / (n - 1));
  return Float32Array.from({ length: n }, (_, i) =>
    i < n / 2 ? first + step * i : last - step * (n - 1 - i),
  );
}

/** Numbers from start downwards by `step` as long as they are above 0. */
export function countdown(start: number, step: number): number[] {
  // The difference of the first two numbers, not the step itself, is what NumPy's arange adds up.
  const difference = start - (start - step);
  return Array.from({ length: Math.ceil(start / step) }, (_, i) => start - i * difference);
}

/** The nearest whole number, halves to the even one. */
export function roundEven(value: number): number {
  const floor = Math.floor(value);
  const rest = value - floor;
  if (rest !== 0.5) return Math.round(value);
  return floor % 2 === 0 ? floor : floor + 1;
}

/** The table's value at a fractional index, by linear interpolation; the ends hold beyond them. */
export function interpolate(table: Float32Array, index: number): number {
  const last = table.length - 1;
  const at = Math.min(Math.max(index, 0), last);
  const low = Math.min(Math.floor(at), Math.max(last - 1, 0));
  if (at === low) return table[low];
  return (table[low + 1] - table[low]) * (at - low) + table[low];
}
