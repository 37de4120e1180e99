/** @file Typed reading of settings as diffusers writes them, with errors that name the key. */
import { WeightError } from "../base/index.ts";

/** Settings in diffusers' spelling. */
export type Settings = Readonly<Record<string, unknown>>;

/** Readers of one setting each; all throw a WeightError that says what was needed and what came. */
export function settingsReader(owner: string, settings: Settings) {
  const fail = (key: string, needed: string): never => {
    throw new WeightError(
      `${owner}: ${key} must be ${needed}, got ${JSON.stringify(settings[key])}`,
    );
  };
  const number = (key: string): number => {
    const value = settings[key] === "-inf" ? -Infinity : settings[key];
    return typeof value === "number" ? value : fail(key, "a number");
  };
  const flag = (key: string): boolean => {
    const value = settings[key] ?? false;
    return typeof value === "boolean" ? value : fail(key, "true or false");
  };
  const text = (key: string): string => {
    const value = settings[key];
    return typeof value === "string" ? value : fail(key, "a name");
  };
  const numbers = (key: string): number[] => {
    const value = settings[key];
    const isNumber = (item: unknown): item is number => typeof item === "number";
    return Array.isArray(value) && value.every(isNumber) ? value : fail(key, "a list of numbers");
  };
  const choice = <T extends string>(key: string, ...names: readonly T[]): T =>
    names.find((name) => name === settings[key]) ?? fail(key, `one of ${names.join(", ")}`);
  const orNull = <T>(key: string, read: (key: string) => T): T | null =>
    (settings[key] ?? null) === null ? null : read(key);
  /** The name whose flag is set, for choices that diffusers writes as several booleans. */
  const onlyFlag = <T extends string>(flags: Readonly<Record<T, string>>): T | undefined => {
    const names = (Object.keys(flags) as T[]).filter((name) => flag(flags[name]));
    if (names.length > 1) {
      const keys = names.map((name) => flags[name]).join(" and ");
      throw new WeightError(`${owner}: only one of these can be true, but ${keys} both are`);
    }
    return names[0];
  };
  return { fail, number, flag, text, numbers, choice, orNull, onlyFlag };
}
