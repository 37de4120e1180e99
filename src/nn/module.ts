/** @file The base of every layer and network: holds parameters by name and knows its place in the model. */
import { assert } from "../base/index.ts";
import { Parameter, within } from "../tensor/index.ts";

/** Field names whose checkpoint key the camelCase rule cannot invert. */
const irregular: Readonly<Record<string, string>> = { linear1: "linear_1", linear2: "linear_2" };

/** Checkpoint key of a field: `convIn` → `conv_in`. */
export function keyOfField(field: string): string {
  return irregular[field] ?? field.replace(/[A-Z]/g, (c) => `_${c.toLowerCase()}`);
}

/** A layer or network. Subclasses write `forward`; callers use `call`, which names what is traced after the module. */
export abstract class Module {
  /** Place in the model, such as `unet.down_blocks.0`; empty until `place` gives it. */
  path = "";

  abstract forward(...inputs: never[]): unknown;

  /** Applies the layer: traces `forward` under this module's path. */
  call(...inputs: Parameters<this["forward"]>): ReturnType<this["forward"]> {
    const body = () => this.forward(...(inputs as never[])) as ReturnType<this["forward"]>;
    const value = within(this, body);
    this.observe?.(value);
    return value;
  }

  /** Called with every value `call` returns, when set: how tests look at inner activations. */
  observe: ((value: unknown) => void) | null = null;
}

type Child = Module | Parameter;

/** Direct members in field order; arrays count by index and may have holes (`null`). */
function* members(module: Module): Generator<[key: string, child: Child]> {
  for (const [field, value] of Object.entries(module)) {
    const key = keyOfField(field);
    const entries: [string, unknown][] = Array.isArray(value)
      ? value.map((item, i) => [`${key}.${i}`, item])
      : [[key, value]];
    for (const [name, item] of entries)
      if (item instanceof Module || item instanceof Parameter) yield [name, item];
  }
}

/** Gives a module and all within it their paths; the root is called `path` (empty: no prefix). */
export function place<M extends Module>(module: M, path = ""): M {
  module.path = path;
  for (const [key, child] of members(module)) {
    const full = path ? `${path}.${key}` : key;
    if (child instanceof Module) place(child, full);
    else {
      assert(child.path === "" || child.path === full, `${full} is already called ${child.path}`);
      child.path = full;
    }
  }
  return module;
}

/** The module and every module within it, outer before inner. */
export function* modulesOf(module: Module): Generator<Module> {
  yield module;
  for (const [, child] of members(module)) if (child instanceof Module) yield* modulesOf(child);
}

/** Every parameter of a placed module, in field order. */
export function parametersOf(module: Module): Parameter[] {
  return [...members(module)].flatMap(([, child]) =>
    child instanceof Module ? parametersOf(child) : [child],
  );
}
