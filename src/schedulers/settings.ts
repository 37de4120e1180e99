/** @file Typed reading of settings as diffusers writes them, with errors that name the key. */
import { shown, WeightError } from "../base/index.ts";

/** Settings in diffusers' spelling. */
export type Settings = Readonly<Record<string, unknown>>;

type Fail = (key: string, needed: string) => never;

function numberReaders(settings: Settings, fail: Fail) {
  const number = (key: string): number => {
    const value = settings[key] === "-inf" ? -Infinity : settings[key];
    return typeof value === "number" ? value : fail(key, "a number");
  };
  const whole = (key: string, [least, most]: readonly [number, number]): number => {
    const value = number(key);
    const fits = Number.isInteger(value) && value >= least && value <= most;
    return fits ? value : fail(key, `a whole number from ${least} to ${most}`);
  };
  const positive = (key: string): number => {
    const value = number(key);
    return value > 0 && value < Infinity ? value : fail(key, "a number above 0");
  };
  /** A share that is neither nothing nor all. */
  const fraction = (key: string): number => {
    const value = number(key);
    return value > 0 && value < 1 ? value : fail(key, "a number between 0 and 1");
  };
  const fractions = (key: string, count: number): number[] => {
    const value = settings[key];
    const fits = (item: unknown): item is number =>
      typeof item === "number" && item > 0 && item < 1;
    return Array.isArray(value) && value.length === count && value.every(fits)
      ? value
      : fail(key, `a list of ${count} numbers between 0 and 1`);
  };
  return { number, whole, positive, fraction, fractions };
}

/** Readers of one setting each; all throw a WeightError that says what was needed and what came. */
export function settingsReader(owner: string, settings: Settings) {
  const fail: Fail = (key, needed) => {
    throw new WeightError(`${owner}: ${key} must be ${needed}, got ${shown(settings[key])}`);
  };
  const flag = (key: string): boolean => {
    const value = settings[key] ?? false;
    return typeof value === "boolean" ? value : fail(key, "true or false");
  };
  const text = (key: string): string => {
    const value = settings[key];
    return typeof value === "string" ? value : fail(key, "a name");
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
  return { ...numberReaders(settings, fail), fail, flag, text, choice, orNull, onlyFlag };
}
