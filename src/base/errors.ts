/** @file One error class per audience; each message says what was needed, what came and what to do. */

/** Any failure that a user can act on. `code` is stable for programs, `hint` says what to do. */
export class LimnError extends Error {
  readonly code: string;
  readonly hint: string | undefined;
  constructor(code: string, message: string, options: { hint?: string; cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = new.target.name;
    this.code = code;
    this.hint = options.hint;
  }
}

/** For whoever writes a model: operands whose shapes or dtypes do not fit an operation. */
export class ShapeError extends LimnError {
  constructor(message: string) {
    super("shape", message);
  }
}

/** For whoever has a file: it is missing, broken, hostile or of another format. */
export class FormatError extends LimnError {
  constructor(message: string, options: { hint?: string; cause?: unknown } = {}) {
    super("format", message, options);
  }
}

/** For whoever has a checkpoint: tensors missing, unexpected or misshapen; settings unknown. */
export class WeightError extends LimnError {
  constructor(message: string, options: { hint?: string; cause?: unknown } = {}) {
    super("weights", message, options);
  }
}

/** For whoever asks: an argument outside its range. `field` names the argument. */
export class RequestError extends LimnError {
  readonly field: string;
  constructor(field: string, message: string, options: { hint?: string } = {}) {
    super("request", `${field}: ${message}`, options);
    this.field = field;
  }
}

/** For whoever runs: the machine, the engine or the numbers gave out. */
export class EngineError extends LimnError {
  constructor(message: string, options: { hint?: string; cause?: unknown } = {}) {
    super("engine", message, options);
  }
}

/** What a network computed is no number. */
export class NotFiniteError extends EngineError {}

/** Fails with an `internal:` message when an invariant of limn itself is broken. */
export function assert(condition: unknown, message: string): asserts condition {
  if (!condition) throw new LimnError("internal", `internal: ${message}`);
}
