/** @file One work, all contestants: as many at once as memory holds, call by call in turns. */
import { machineMemory } from "../../src/pipelines/index.ts";
import { spread, warmUp, type Cost } from "../contest.ts";
import { Absent, startContestant, type ContestantProcess } from "./process.ts";
import type { Rival } from "./rivals.ts";
import type { Work } from "./works.ts";

/** What one contestant did: milliseconds and megabytes. */
export interface Measured {
  readonly least: number;
  readonly median: number;
  readonly cpuLeast: number;
  /** From the start of the process to its first answer. */
  readonly start: number;
  readonly own: number;
  /** The most while one call was watched. */
  readonly ownMost: number;
  /** The most that was ever resident, pages of files included. */
  readonly resident: number;
  /** Agreement with limn's f32 on ONNX Runtime: signal to noise. */
  readonly decibels: number;
  /** Those of one number took turns. */
  readonly group: number;
  readonly version: string;
}

/** A line of the table. */
export type Result = Pick<Rival, "name" | "side" | "precision"> &
  ({ readonly measured: Measured } | { readonly missing: string });

interface Open {
  readonly rival: Rival;
  readonly contestant: ContestantProcess;
  readonly start: number;
  readonly costs: Cost[];
}

/** Lets all of them do a work; those that cannot are told with their reasons. */
export async function contest(
  work: Work,
  { file, rivals, rounds }: { file: string; rivals: readonly Rival[]; rounds: number },
): Promise<Result[]> {
  const results = new Map<Rival, Result>();
  let waiting = [...rivals];
  for (let group = 1; waiting.length > 0; group++) {
    const open: Open[] = [];
    try {
      while (waiting.length > 0 && (open.length === 0 || (await fits(work, waiting[0])))) {
        const [rival, ...rest] = waiting;
        waiting = rest;
        console.error(`  ${rival.name}`);
        try {
          open.push(await begin(work, file, rival));
        } catch (error) {
          results.set(rival, { ...rowOf(rival), missing: reasonOf(error) });
        }
      }
      await takeTurns(open, rounds);
      for (const each of open) results.set(each.rival, await conclude(each, group));
    } finally {
      for (const { contestant } of open) await contestant[Symbol.asyncDispose]();
    }
  }
  return rivals.flatMap((rival) => results.get(rival) ?? []);
}

const rowOf = ({ name, side, precision }: Rival) => ({ name, side, precision });

function reasonOf(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  return error instanceof Absent ? `absent: ${message}` : `failed: ${message}`;
}

/** Whether one more process finds room, with a gigabyte to spare. */
async function fits({ megabytes }: Work, { weights }: Rival): Promise<boolean> {
  const { available } = await machineMemory();
  return available / 2 ** 20 > 1.1 * weights * megabytes + 1800;
}

async function begin(work: Work, file: string, rival: Rival): Promise<Open> {
  const command = await rival.command(work, file);
  const from = performance.now();
  const contestant = await startContestant(command);
  try {
    await contestant.ask({ do: "run" });
  } catch (error) {
    await contestant[Symbol.asyncDispose]();
    throw error;
  }
  return { rival, contestant, start: performance.now() - from, costs: [] };
}

async function takeTurns(open: readonly Open[], rounds: number): Promise<void> {
  for (const { contestant } of open) await warmUp(() => contestant.ask({ do: "run" }));
  for (let round = 1; round <= rounds; round++) {
    console.error(`  round ${round} of ${rounds}`);
    for (const { contestant, costs } of open) {
      // The threads of the one before go to sleep meanwhile.
      await new Promise((resolve) => setTimeout(resolve, 200));
      const { wall, cpu } = await contestant.ask({ do: "run" });
      costs.push({ wall, cpu });
    }
  }
}

/** A last call that is watched, not timed, and the comparison. */
async function conclude({ rival, contestant, start, costs }: Open, group: number): Promise<Result> {
  const { own } = contestant.memory();
  let ownMost = own;
  const watch = setInterval(() => {
    ownMost = Math.max(ownMost, contestant.memory().own);
  }, 25);
  try {
    await contestant.ask({ do: "run" });
  } finally {
    clearInterval(watch);
  }
  const { mostResident } = contestant.memory();
  const { decibels } = await contestant.ask({ do: "compare" });
  const { version } = contestant.ready;
  const measured = {
    ...spread(costs.map(({ wall }) => wall)),
    cpuLeast: spread(costs.map(({ cpu }) => cpu)).least,
    start,
    own,
    ownMost,
    resident: mostResident,
    decibels,
    group,
    version: typeof version === "string" ? version : "",
  };
  return { ...rowOf(rival), measured };
}
