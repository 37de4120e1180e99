/**
 * @file The measuring of `limn bench`: every setting draws by turns, round after round, until the time is over. What
 * draws, the clock and the free memory are arguments.
 */
import type { DrawingSetting } from "../settings.ts";
import { Drawers, type Drawer, type DrawerSource, type DrawOrder } from "./drawers.ts";

/** Everything that measuring depends on. */
export interface Bench extends DrawerSource {
  readonly settings: readonly DrawingSetting[];
  /** Seconds. */
  readonly clock: () => number;
  /** Seconds that all may take; what runs when they are over is finished. */
  readonly budget: number;
  readonly signal: AbortSignal;
}

/** What was found about one setting; times in seconds, one of each drawing. */
export interface Finding {
  readonly setting: DrawingSetting;
  /** From the start of a process to the first call of the network. */
  readonly startups: number[];
  /** Calls of the network, without the first of a process. */
  readonly steps: number[];
  readonly encodes: number[];
  readonly decodes: number[];
  readonly wholes: number[];
  /** Calls of the network that a picture takes; 0 where none was begun. */
  calls: number;
  privateBytes: number | null;
  pixels: Uint8Array | null;
  /** Why it was given up; null while all is well. */
  problem: string | null;
}

/** What happens meanwhile. */
export type MeasureEvent =
  | { readonly type: "started"; readonly finding: Finding }
  /** Pictures are drawn with so many steps from here on; null is the model's own number. */
  | { readonly type: "drawing"; readonly steps: number | null }
  | { readonly type: "round"; readonly round: number };

/** More rounds tell nothing new. */
const mostRounds = 9;

/** Measures until the time is over. Throws the signal's reason when it is stopped. */
export async function* measure(bench: Bench): AsyncGenerator<MeasureEvent, Finding[], void> {
  const { clock, budget, signal, settings } = bench;
  const end = clock() + budget;
  const findings = settings.map(unmeasured);
  await using drawers = new Drawers(bench);
  const turn = async (finding: Finding, work: () => Promise<void>) => {
    signal.throwIfAborted();
    if (clock() >= end || finding.problem !== null) return;
    try {
      await work();
    } catch (error) {
      signal.throwIfAborted();
      finding.problem = error instanceof Error ? error.message : String(error);
      await drawers.close(finding.setting);
    }
  };
  for (const finding of findings) {
    await turn(finding, () => begin(drawers, finding, signal));
    yield { type: "started", finding };
  }
  const steps = stepsFor(findings, { left: end - clock(), held: drawers.allHeld });
  yield { type: "drawing", steps };
  for (let round = 1; round <= mostRounds && clock() < end; round++) {
    for (const finding of findings)
      await turn(finding, () => drawOnce(drawers, finding, { steps, signal }));
    yield { type: "round", round };
  }
  for (const finding of findings)
    if (finding.calls === 0) finding.problem ??= "there was no time for it";
  return findings;
}

const unmeasured = (setting: DrawingSetting): Finding => ({
  setting,
  startups: [],
  steps: [],
  encodes: [],
  decodes: [],
  wholes: [],
  calls: 0,
  privateBytes: null,
  pixels: null,
  problem: null,
});

/** Two calls of a whole picture: how long the start takes, how many calls there are, and what the second of them takes. */
async function begin(drawers: Drawers, finding: Finding, signal: AbortSignal): Promise<void> {
  const { drawer } = await drawers.get(finding.setting);
  const { startup, steps, calls } = await drawer.draw({ steps: null, stopAfter: 2 }, signal);
  if (startup !== null) finding.startups.push(startup);
  finding.calls = calls;
  finding.steps.push(...(steps.length > 1 ? steps.slice(1) : steps));
  weigh(drawers, finding, drawer);
}

async function drawOnce(
  drawers: Drawers,
  finding: Finding,
  { steps, signal }: Pick<DrawOrder, "steps"> & { signal: AbortSignal },
): Promise<void> {
  const { drawer, warm } = await drawers.get(finding.setting);
  if (!warm) {
    // Text encoder and decoder are compiled by the first picture of a process.
    const { startup } = await drawer.draw({ steps: 1, stopAfter: null }, signal);
    if (startup !== null) finding.startups.push(startup);
  }
  const drawn = await drawer.draw({ steps, stopAfter: null }, signal);
  drawers.drewWhole(finding.setting);
  finding.steps.push(...drawn.steps);
  finding.encodes.push(drawn.encode);
  finding.pixels = drawn.pixels;
  if (drawn.decode !== null) finding.decodes.push(drawn.decode);
  if (steps === null && drawn.whole !== null) finding.wholes.push(drawn.whole);
  weigh(drawers, finding, drawer);
}

function weigh(drawers: Drawers, finding: Finding, drawer: Drawer): void {
  const bytes = drawer.privateBytes();
  if (bytes === null) return;
  finding.privateBytes = Math.max(finding.privateBytes ?? 0, bytes);
  drawers.learn(bytes);
}

/** null where there is time for three rounds of whole pictures, else as many steps as there is time for. */
function stepsFor(
  findings: readonly Finding[],
  { left, held }: { left: number; held: boolean },
): number | null {
  const alive = findings.filter(({ problem, steps }) => problem === null && steps.length > 0);
  const sum = (of: (finding: Finding) => number) => alive.reduce((all, each) => all + of(each), 0);
  const call = ({ steps }: Finding) => Math.min(...steps);
  const starts = held ? 0 : sum(({ startups }) => Math.min(...startups));
  const round = left / 3 - starts;
  if (1.3 * sum((each) => each.calls * call(each)) <= round) return null;
  const most = Math.max(1, ...alive.map(({ calls }) => calls));
  const fit = Math.floor(round / 1.3 / sum(call));
  return Math.min(Math.max(fit, 1), most);
}
