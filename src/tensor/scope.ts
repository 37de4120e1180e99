/** @file Which module is being traced: names errors and nodes after it. */

/** Tracing is synchronous, so one stack serves; it is empty between traces. */
const stack: string[] = [];

/** Path of the innermost module being traced, `""` outside any. */
export function currentScope(): string {
  return stack[stack.length - 1] ?? "";
}

/** Runs `body` with nodes named after the module at `path`. */
export function within<R>(path: string, body: () => R): R {
  stack.push(path);
  try {
    return body();
  } finally {
    stack.pop();
  }
}
