/** @file Which module is being traced: names errors and nodes after it. */

/** Whose nodes are traced. The path is read when it is needed: a module may get its place after its first call. */
export interface Scope {
  readonly path: string;
}

const outside: Scope = { path: "" };

/** Tracing is synchronous, so one stack serves; it is empty between traces. */
const stack: Scope[] = [];

/** The innermost module being traced; its path is `""` outside any. */
export function currentScope(): Scope {
  return stack[stack.length - 1] ?? outside;
}

/** Runs `body` with nodes named after the module `scope`. */
export function within<R>(scope: Scope, body: () => R): R {
  stack.push(scope);
  try {
    return body();
  } finally {
    stack.pop();
  }
}
