/** @file The way of a drawing, by what was asked, what was saved, and whether that still holds on this machine. */
import { LimnError } from "../base/index.ts";
import { engineTable } from "./engines/table.ts";
import { processorName } from "./processor.ts";
import { readSavedSetting } from "./settings-file.ts";
import { unsaved, withSaved, type Asked, type SavedSetting, type Settled } from "./settings.ts";

/** Fills what was left open. A saved setting that does not hold any more is passed over with a note. */
export async function settleWay(asked: Asked, model: string): Promise<Settled> {
  const saved = await readSavedSetting();
  if (saved === null) return unsaved(asked);
  const doubt = await doubtOf(saved);
  if (doubt === null) return withSaved(asked, saved, model);
  // Who names an engine does not hear of another one.
  if (asked.engine !== null) return unsaved(asked);
  return unsaved(asked, `the setting saved by limn bench is passed over: ${doubt}`);
}

/** Why a saved setting does not hold; null where it does. */
export async function doubtOf({ engine, processor }: SavedSetting): Promise<string | null> {
  if (processor !== processorName())
    return `it was measured on another processor, ${processor}; limn bench --save measures anew`;
  const { standing, title, locate } = engineTable[engine];
  if (standing !== "extra") return null;
  try {
    return (await locate()) === null ? `${title} is not there any more` : null;
  } catch (error) {
    return error instanceof LimnError ? error.message : String(error);
  }
}
