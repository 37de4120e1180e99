/** @file Names of what a scheduler configuration is, in A1111's words. */
import { samplers, schedulerClasses, schedules, type Settings } from "../schedulers/index.ts";

/** A1111's name of the sampler that a configuration makes, or its class where there is none. */
export function samplerLabel(file: Settings): string {
  const own = schedulerClasses.find(({ name }) => name === file._class_name);
  const config = { ...own?.defaults, ...file };
  const fits = (settings: Settings) =>
    Object.entries(settings).every(([key, value]) => (config[key] ?? null) === value);
  const ofClass = samplers.filter(({ className }) => className === config._class_name);
  // The one that says most: DPM++ 2M SDE is also of the class and order of DPM++ 2M.
  const [found = ofClass[0]] = ofClass
    .filter(({ settings }) => fits(settings))
    .sort((a, b) => Object.keys(b.settings).length - Object.keys(a.settings).length);
  return found?.label ?? String(config._class_name);
}

/** A1111's name of the schedule in a configuration; "Automatic" is the sampler's own. */
export function scheduleLabel(file: Settings): string {
  const own = schedulerClasses.find(({ name }) => name === file._class_name);
  const config = { ...own?.defaults, ...file };
  const has = ([, settings]: readonly [string, Settings]) =>
    Object.entries(settings).every(([key, value]) => config[key] === value);
  const all = Object.entries(schedules).filter(([name]) => name !== "Automatic");
  const spreads = (settings: Settings) => Object.keys(settings).some((key) => /^use_/.test(key));
  const spread = all.find((entry) => spreads(entry[1]) && has(entry));
  if (spread) return spread[0];
  // Where the sampler would spread σ by itself, it must be said that it did not.
  const sampler = samplers.find(({ label }) => label === samplerLabel(file));
  const plain = sampler?.schedule ? all.find((entry) => !spreads(entry[1]) && has(entry)) : null;
  return plain?.[0] ?? "Automatic";
}
