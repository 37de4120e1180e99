/** @file What this machine offers limn: engines, processors, memory, folders, and what is missing. */
import { access, constants, mkdir } from "node:fs/promises";
import { availableParallelism } from "node:os";
import { LimnError } from "../base/index.ts";
import { machineMemory, showBytes } from "../pipelines/index.ts";
import { cacheFolder } from "../runtime/index.ts";
import { listEngines, type EngineFacts } from "./engines/list.ts";
import { dataFolder, limnVersion, packageFolder } from "./folders.ts";
import { defaultModel, listModels } from "./model-registry.ts";
import { processorName } from "./processor.ts";
import { readSavedSetting } from "./settings-file.ts";
import { doubtOf } from "./settle.ts";

/** One finding: what was looked at, what was found, and what can or should be done. */
export interface Finding {
  readonly what: string;
  readonly found: string;
  /** `optional`: something is missing that one can do without. */
  readonly state: "fine" | "optional" | "wrong";
  readonly advice: string | null;
}

/** Looks at everything; never throws. */
export async function examine(): Promise<Finding[]> {
  const checks = [memory(), models(), writable("data folder", dataFolder())];
  return [
    fine("limn", `${limnVersion()} in ${packageFolder()}`),
    fine("Node.js", `${process.version} on ${process.platform}-${process.arch}`),
    fine("processors", processors()),
    ...(await engines()),
    await way(),
    ...(await Promise.all([...checks, writable("cache folder", cacheFolder())])),
  ];
}

function processors(): string {
  return `${availableParallelism()} threads of ${processorName()}`;
}

async function engines(): Promise<Finding[]> {
  const { machine, engines: all, auto } = await listEngines();
  const found = all.map((engine) => engineFinding(engine, auto?.engine ?? null));
  const features = machine.features?.join(", ") ?? "unknown to the system";
  return [fine("instructions", features || "no fast vectors"), ...found];
}

/** One working engine is enough; another that is broken is worth a look all the same. */
function engineFinding(engine: EngineFacts, taken: string | null): Finding {
  const { name, state, version, precisions, source, problem, hint } = engine;
  const what = `engine ${name}`;
  if (state === "ready") {
    const mark = name === taken ? ", used by itself" : "";
    return fine(what, `${version} from ${source}, ${precisions.join(" and ")}${mark}`);
  }
  const tolerable = state === "missing" && taken !== null;
  return { what, found: problem ?? state, state: tolerable ? "optional" : "wrong", advice: hint };
}

/** How pictures are drawn where nobody says otherwise. */
async function way(): Promise<Finding> {
  const what = "draws by";
  try {
    const saved = await readSavedSetting();
    if (saved === null) return fine(what, "auto; limn bench --save finds what is best");
    const { engine, precision, threads, models: measured } = saved;
    const found = `${engine} ${precision}, ${threads} ${threads === 1 ? "thread" : "threads"}, saved by limn bench with ${measured.join(", ")}`;
    const doubt = await doubtOf(saved);
    if (doubt === null) return fine(what, found);
    const advice = "limn bench --save measures anew, limn bench --reset forgets it";
    return { what, found: `auto, not ${found}: ${doubt}`, state: "wrong", advice };
  } catch (error) {
    const { message, hint } = error as LimnError;
    return { what, found: message, state: "wrong", advice: hint ?? null };
  }
}

async function memory(): Promise<Finding> {
  const { total, available, limit } = await machineMemory();
  const limited = limit === null ? "" : `, limited to ${showBytes(limit)} by a control group`;
  const found = `${showBytes(available)} free of ${showBytes(total)}${limited}`;
  if (available > 1e9) return fine("memory", found);
  return { what: "memory", found, state: "wrong", advice: "free some memory before drawing" };
}

async function models(): Promise<Finding> {
  const names = (await listModels()).map(({ name }) => name);
  const found = names.length > 0 ? names.join(", ") : "none";
  if (names.includes(defaultModel)) return fine("models", found);
  return {
    what: "models",
    found,
    state: "wrong",
    advice: `the default model ${defaultModel} is not installed: draw with --model FOLDER`,
  };
}

async function writable(what: string, folder: string): Promise<Finding> {
  try {
    await mkdir(folder, { recursive: true });
    await access(folder, constants.W_OK);
    return fine(what, folder);
  } catch {
    const advice = `set ${what === "data folder" ? "LIMN_DATA" : "LIMN_CACHE"} to a folder that can be written`;
    return { what, found: `${folder} cannot be written`, state: "wrong", advice };
  }
}

function fine(what: string, found: string): Finding {
  return { what, found, state: "fine", advice: null };
}
