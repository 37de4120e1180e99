/** @file What `limn bench` measures on this machine: the engines found, in each of their precisions, on sensible numbers of threads. */
import { availableParallelism } from "node:os";
import { LimnError } from "../../base/index.ts";
import { checkThreads, type Engine } from "../../runtime/index.ts";
import { engineOrder, engineTable, openers, precisionOrder } from "../engines/table.ts";
import type { EngineName, Openers } from "../engines/table.ts";
import type { DrawingSetting } from "../settings.ts";

/** An engine that cannot be measured, and why. */
export interface Absent {
  readonly engine: EngineName;
  readonly reason: string;
}

/** What will be measured, the most promising first, and what is not there. */
export interface BenchPlan {
  readonly settings: readonly DrawingSetting[];
  readonly versions: Readonly<Record<string, string>>;
  readonly absent: readonly Absent[];
}

/** What of it is wanted; null leaves it to the machine. */
export interface BenchChoice {
  readonly engine: EngineName | null;
  readonly threads: readonly number[] | null;
}

/** Half of the processors, which are the cores where each is two, and all of them. */
export function sensibleThreads(processors: number): number[] {
  return [...new Set([processors, Math.ceil(processors / 2)])];
}

/** Opens every engine to see what it offers. A spare one is slow: it counts where nothing else is there. */
export async function planBench(
  choice: BenchChoice,
  open: Openers = openers,
  processors: number = availableParallelism(),
): Promise<BenchPlan> {
  const threads = choice.threads ?? sensibleThreads(processors);
  for (const each of threads) checkThreads(each);
  const found: Engine[] = [];
  const absent: Absent[] = [];
  for (const engine of engineOrder) {
    if (choice.engine !== null && choice.engine !== engine) continue;
    const spare = engineTable[engine].standing === "spare";
    if (spare && choice.engine === null && found.length > 0) {
      const reason = `left out beside native engines; --engine ${engine} measures it`;
      absent.push({ engine, reason });
      continue;
    }
    try {
      found.push(await open[engine]());
    } catch (error) {
      absent.push({ engine, reason: reasonOf(error) });
    }
  }
  return {
    settings: found.flatMap((engine) => settingsOf(engine, threads)),
    versions: Object.fromEntries(found.map(({ name, version }) => [name, version])),
    absent,
  };
}

function settingsOf({ name, precisions }: Engine, threads: readonly number[]): DrawingSetting[] {
  const engine = name as EngineName;
  const fastest = precisionOrder.filter((precision) => precisions.includes(precision));
  return fastest.flatMap((precision) =>
    threads.map((count) => ({ engine, precision, threads: count })),
  );
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const hint = error instanceof LimnError && error.hint !== undefined ? ` (${error.hint})` : "";
  return error.message + hint;
}
