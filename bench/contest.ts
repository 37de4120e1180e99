/** @file Contestants that do the same work by turns: this process and its peers, which are Python processes of their own. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

/** Milliseconds of a call: on the clock, and of all threads together. */
export interface Cost {
  readonly wall: number;
  readonly cpu: number;
}

/** Someone who can do the work once and say what it cost. */
export interface Contestant {
  readonly name: string;
  readonly run: () => Promise<Cost>;
}

/** Measures a call of this process. */
export async function costOf(work: () => Promise<unknown>): Promise<Cost> {
  const [cpu, wall] = [process.cpuUsage(), performance.now()];
  await work();
  const { user, system } = process.cpuUsage(cpu);
  return { wall: performance.now() - wall, cpu: (user + system) / 1000 };
}

/** Runs something for two seconds, once at least: what compiles while it runs, such as JavaScript, is compiled then. */
export async function warmUp(run: () => Promise<unknown>): Promise<void> {
  const end = performance.now() + 2000;
  do await run();
  while (performance.now() < end);
}

/** Lets everyone warm up, then measures in rounds; a pause before each call lets the last one's threads go to sleep. */
export async function takeTurns(
  contestants: readonly Contestant[],
  rounds: number,
): Promise<Map<string, Cost[]>> {
  const costs = new Map<string, Cost[]>(contestants.map(({ name }) => [name, []]));
  console.error("warming up");
  for (const { run } of contestants) await warmUp(run);
  for (let round = 1; round <= rounds; round++) {
    console.error(`round ${round} of ${rounds}`);
    for (const { name, run } of contestants) {
      await new Promise((resolve) => setTimeout(resolve, 200));
      costs.get(name)?.push(await run());
    }
  }
  return costs;
}

/** The least and the middle one of some numbers. */
export function spread(numbers: readonly number[]): { least: number; median: number } {
  const sorted = [...numbers].sort((a, b) => a - b);
  return { least: sorted[0], median: sorted[Math.floor(sorted.length / 2)] };
}

/** Python with the packages of `bench/peers/requirements.txt`; null when nobody named it. */
export const peers = process.env.LIMN_PEERS ?? null;

/** A peer's process: answers each request, one line of JSON, with a line of JSON. */
export interface Peer extends AsyncDisposable {
  ask(request: object): Promise<Readonly<Record<string, number>>>;
}

/** Starts `bench/peers/SCRIPT` and waits until it is ready. */
export async function openPeer(
  python: string,
  script: string,
  words: readonly string[],
): Promise<Peer> {
  const file = fileURLToPath(new URL(`peers/${script}`, import.meta.url));
  const child = spawn(python, [file, ...words], { stdio: ["pipe", "pipe", "inherit"] });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const answer = async () => {
    const line: IteratorResult<string, unknown> = await lines.next();
    if (line.done) throw new Error(`${script} ended without an answer`);
    return JSON.parse(line.value) as Record<string, number>;
  };
  await answer();
  return {
    ask(request) {
      child.stdin.write(`${JSON.stringify(request)}\n`);
      return answer();
    },
    async [Symbol.asyncDispose]() {
      const gone = once(child, "exit");
      child.stdin.end();
      await gone;
    },
  };
}

/** A peer as a contestant in one kind of work. */
export function peerContestant(name: string, peer: Peer, request: object): Contestant {
  const run = async () => {
    const { wall, cpu } = await peer.ask(request);
    return { wall, cpu };
  };
  return { name, run };
}
