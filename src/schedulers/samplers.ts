/** @file Sampler and schedule names: AUTOMATIC1111's, limn's own and diffusers' classes, onto configurations. */
import { RequestError } from "../base/index.ts";
import { schedulerClasses } from "./classes.ts";
import type { Settings } from "./settings.ts";

/** A named sampler: a scheduler class, what it changes, and the schedule it takes if none is asked for. */
export interface NamedSampler {
  /** AUTOMATIC1111's name. */
  readonly label: string;
  readonly className: string;
  readonly settings: Settings;
  readonly schedule: string | null;
}

const named = (label: string, className: string, settings: Settings = {}, schedule?: string) => ({
  label,
  className: `${className}Scheduler`,
  settings,
  schedule: schedule ?? null,
});
/** Said in full, for a file may hold another solver's choices. */
const twoM: Settings = {
  algorithm_type: "dpmsolver++",
  solver_type: "midpoint",
  solver_order: 2,
};
const sde: Settings = { ...twoM, algorithm_type: "sde-dpmsolver++" };

/** All samplers by name; limn's own name is the label in kebab case, "++" as "pp". */
export const samplers: readonly NamedSampler[] = [
  named("DPM++ 2M", "DPMSolverMultistep", twoM, "Karras"),
  named("DPM++ 2M SDE", "DPMSolverMultistep", sde, "Exponential"),
  named("DPM++ 2M SDE Heun", "DPMSolverMultistep", { ...sde, solver_type: "heun" }, "Exponential"),
  named("Euler a", "EulerAncestralDiscrete"),
  named("Euler", "EulerDiscrete"),
  named("DDIM", "DDIM"),
  named("DDPM", "DDPM"),
  named("PLMS", "PNDM", { skip_prk_steps: true }),
  named("PNDM", "PNDM", { skip_prk_steps: false }),
];

/** Schedule names, and what each sets. "Automatic" is the one that the sampler takes by itself. */
export const schedules: Readonly<Record<string, Settings>> = {
  Automatic: {},
  Uniform: { timestep_spacing: "linspace" },
  Karras: { use_karras_sigmas: true },
  Exponential: { use_exponential_sigmas: true },
  Beta: { use_beta_sigmas: true },
  Lu: { use_lu_lambdas: true },
  "SGM Uniform": { timestep_spacing: "trailing" },
  Normal: { timestep_spacing: "linspace" },
  DDIM: { timestep_spacing: "leading" },
};

const spreads: Settings = {
  use_karras_sigmas: false,
  use_exponential_sigmas: false,
  use_beta_sigmas: false,
  use_lu_lambdas: false,
  use_flow_sigmas: false,
};

const kebab = (name: string) =>
  name
    .trim()
    .toLowerCase()
    .replaceAll("++", "pp")
    .replace(/^k_/, "")
    .replace(/[\s_]+/g, "-");

/**
 * The settings of a model's scheduler file changed to a sampler and a schedule; either may be null to keep what is
 * there. A diffusers class name keeps the file's settings, as `from_config` does. "DPM++ 2M Karras" names both.
 */
export function withSampler(
  file: Settings,
  { sampler, schedule }: { sampler: string | null; schedule: string | null },
): Settings {
  const wanted = sampler === null ? null : findSampler(sampler);
  const automatic = schedule === null || kebab(schedule) === "automatic";
  const asked = automatic ? (wanted?.schedule ?? null) : schedule;
  const settings = { ...file, ...wanted?.settings };
  if (wanted) Object.assign(settings, { _class_name: wanted.className });
  return asked === null ? settings : withSchedule(settings, findSchedule(asked));
}

/** The sampler of this name, with the schedule that the name may end in. */
function findSampler(name: string): Omit<NamedSampler, "label"> {
  const wanted = kebab(name);
  const className = schedulerClasses.find((found) => found.name === name)?.name;
  if (className !== undefined) return { className, settings: {}, schedule: null };
  const found = samplers.find(({ label }) => kebab(label) === wanted);
  if (found) return found;
  for (const schedule of Object.keys(schedules)) {
    const base = samplers.find(({ label }) => `${kebab(label)}-${kebab(schedule)}` === wanted);
    if (base) return schedule === "Automatic" ? base : { ...base, schedule };
  }
  const labels = samplers.map(({ label }) => label).join(", ");
  const classes = schedulerClasses.map((known) => known.name).join(", ");
  throw new RequestError("sampler", `there is no "${name}"; there are ${labels}, and ${classes}`);
}

function findSchedule(name: string): string {
  const found = Object.keys(schedules).find((known) => kebab(known) === kebab(name));
  if (found !== undefined) return found;
  const known = Object.keys(schedules).join(", ");
  throw new RequestError("schedule", `there is no "${name}"; there are ${known}`);
}

/** Sets a schedule, or says that the class does not have it. */
function withSchedule(settings: Settings, schedule: string): Settings {
  const className = settings._class_name;
  const changes = schedules[schedule];
  const owner = schedulerClasses.find((known) => known.name === className);
  const missing = owner && Object.keys(changes).find((key) => !(key in owner.defaults));
  if (missing !== undefined) {
    throw new RequestError("schedule", `${owner?.name} has no schedule "${schedule}"`);
  }
  return { ...settings, ...spreads, ...changes };
}
