/** @file `Symbol.dispose` and `Symbol.asyncDispose` for platforms that lack them: `using` is compiled to calls under them. */

// Their types too, for programs that are checked without them.
/// <reference lib="esnext.disposable" preserve="true" />

for (const name of ["dispose", "asyncDispose"] as const)
  if (typeof Symbol[name] !== "symbol")
    // As the proposal has them: constants of the constructor.
    Object.defineProperty(Symbol, name, { value: Symbol(`Symbol.${name}`) });
