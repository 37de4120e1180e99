/** @file The scheduler classes there are. A new one is a line here. */
import { ddimScheduler } from "./ddim.ts";
import { ddpmScheduler } from "./ddpm.ts";
import { dpmSolverMultistep } from "./dpm-multistep.ts";
import { eulerAncestralDiscrete } from "./euler-ancestral.ts";
import { eulerDiscrete } from "./euler.ts";
import type { SchedulerClass } from "./plan.ts";
import { pndmScheduler } from "./pndm.ts";

/** All scheduler classes, by diffusers' names. */
export const schedulerClasses: readonly SchedulerClass[] = [
  ddpmScheduler,
  ddimScheduler,
  pndmScheduler,
  eulerDiscrete,
  eulerAncestralDiscrete,
  dpmSolverMultistep,
];
