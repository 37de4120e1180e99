/** @file Reads `limn.json` of a model folder on this machine. */
import { join } from "node:path";
import { readSmallText } from "../formats/index.ts";
import { parseRecommendations, type Recommendations } from "./recommendations.ts";

/** Reads `limn.json` of a model folder; a folder without one recommends nothing. */
export async function readRecommendations(folder: string): Promise<Recommendations> {
  const path = join(folder, "limn.json");
  return parseRecommendations(await readSmallText(path), path);
}
