/** @file How a parameter starts: a value to fill it with or a distribution to draw it from. */

/** Fills with one value, or draws from N(0, std²) or U(−bound, bound). */
export type Init =
  | { readonly kind: "constant"; readonly value: number }
  | { readonly kind: "normal"; readonly std: number }
  | { readonly kind: "uniform"; readonly bound: number };
