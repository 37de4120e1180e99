/** @file The constant starts of normalisations and biases. */
import type { Init } from "../tensor/index.ts";

/** All zero. */
export const zeros: Init = { kind: "constant", value: 0 };
/** All one. */
export const ones: Init = { kind: "constant", value: 1 };
