/** @file How near numbers are to others, in decibels: the two ratios by which results in bf16 are judged. */

/** 10 log₁₀(Σ x² / Σ (x − y)²): the power of `exact` over that of the other's error. ∞ for equal numbers, −∞ where one is none. */
export function signalToNoise(exact: ArrayLike<number>, other: ArrayLike<number>): number {
  let signal = 0;
  for (let i = 0; i < exact.length; i++) signal += exact[i] ** 2;
  const noise = errorPower(exact, other);
  if (noise === 0 && Number.isFinite(signal)) return Infinity;
  const ratio = 10 * Math.log10(signal / noise);
  return Number.isNaN(ratio) || !Number.isFinite(noise) ? -Infinity : ratio;
}

/** 10 log₁₀(255² n / Σ (a − b)²), the peak signal-to-noise ratio of two pictures' bytes; ∞ for equal ones. */
export function peakSignalToNoise(a: Uint8Array, b: Uint8Array): number {
  return 10 * Math.log10((255 ** 2 * a.length) / errorPower(a, b));
}

/** Σ (x − y)². */
function errorPower(x: ArrayLike<number>, y: ArrayLike<number>): number {
  let power = 0;
  for (let i = 0; i < x.length; i++) power += (x[i] - y[i]) ** 2;
  return power;
}
