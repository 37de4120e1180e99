/** @file Errors across the border of a worker: made into data, and made whole again. */
import {
  EngineError,
  FormatError,
  LimnError,
  NotFiniteError,
  RequestError,
  ShapeError,
  WeightError,
} from "./errors.ts";

/** An error as data; `field` is the argument at fault, where there is one. */
export interface SentError {
  readonly name: string;
  readonly code: string;
  readonly message: string;
  readonly hint: string | null;
  readonly field: string | null;
  readonly stack: string | null;
}

/** What is worth telling of anything that was thrown. */
export function toSentError(error: unknown): SentError {
  if (!(error instanceof Error))
    return { ...blank, message: String(error), code: "internal", name: "Error" };
  const { name, message, stack = null } = error;
  if (!(error instanceof LimnError)) return { ...blank, name, code: "internal", message, stack };
  const field = error instanceof RequestError ? error.field : null;
  return { name, code: error.code, message, hint: error.hint ?? null, field, stack };
}

const blank = { hint: null, field: null, stack: null };

/** The error as it was thrown on the other side, its class and stack included. */
export function fromSentError(sent: SentError): Error {
  const error = rebuild(sent);
  if (sent.stack !== null) error.stack = sent.stack;
  return error;
}

function rebuild({ name, code, message, hint, field }: SentError): Error {
  const options = hint === null ? {} : { hint };
  if (field !== null) return new RequestError(field, message.slice(`${field}: `.length), options);
  const classes: Readonly<Record<string, (text: string) => LimnError>> = {
    EngineError: (text) => new EngineError(text, options),
    FormatError: (text) => new FormatError(text, options),
    NotFiniteError: (text) => new NotFiniteError(text, options),
    ShapeError: (text) => new ShapeError(text),
    WeightError: (text) => new WeightError(text, options),
  };
  return classes[name]?.(message) ?? new LimnError(code, message, options);
}
