/** @file Measuring with drawers that take a known time on a clock of their own. */
import { expect, test } from "vitest";
import type { DrawingSetting } from "../settings.ts";
import type { Drawer, DrawOrder, Drawn } from "./drawers.ts";
import { measure, type Bench, type Finding } from "./measure.ts";

const setting = (threads: number, precision: "f32" | "bf16" = "f32"): DrawingSetting => ({
  engine: "ort",
  precision,
  threads,
});

/** A machine where a setting's call takes 1 / threads seconds; its log tells who did what. */
class Machine {
  time = 0;
  readonly log: string[] = [];
  open = 0;
  mostOpen = 0;
  free = Infinity;
  readonly calls: number;
  constructor(calls = 20) {
    this.calls = calls;
  }

  drawer = ({ threads }: DrawingSetting): Drawer => {
    this.open += 1;
    this.mostOpen = Math.max(this.mostOpen, this.open);
    let fresh = true;
    const draw = ({ steps, stopAfter }: DrawOrder): Promise<Drawn> => {
      if (threads === 13) return Promise.reject(new Error("unlucky"));
      const wanted = stopAfter ?? steps ?? this.calls;
      this.log.push(`${threads}:${wanted}${stopAfter === null ? "" : "!"}`);
      const [startup, encode, decode] = [fresh ? 2 : 0, 0.5, 0.25];
      const call = 1 / threads;
      const whole = encode + wanted * call + decode;
      this.time += startup + (stopAfter === null ? whole : encode + wanted * call);
      const drawn = {
        steps: Array.from({ length: wanted }, (_, i) => (fresh && i === 0 ? 9 * call : call)),
        calls: stopAfter === null ? wanted : this.calls,
        encode,
        decode: stopAfter === null ? decode : null,
        whole: stopAfter === null ? whole : null,
        startup: fresh ? startup : null,
        pixels: stopAfter === null ? Uint8Array.of(threads) : null,
      };
      fresh = false;
      return Promise.resolve(drawn);
    };
    return {
      draw,
      privateBytes: () => 2 ** 30,
      [Symbol.asyncDispose]: () => {
        this.open -= 1;
        this.log.push(`${threads} closed`);
        return Promise.resolve();
      },
    };
  };

  bench(settings: DrawingSetting[], budget: number, signal = new AbortController().signal): Bench {
    return {
      settings,
      open: this.drawer,
      clock: () => this.time,
      budget,
      freeBytes: () => Promise.resolve(this.free - this.open * 2 ** 30),
      signal,
    };
  }
}

async function all(bench: Bench): Promise<{ findings: Finding[]; steps: unknown; rounds: number }> {
  const measuring = measure(bench);
  let [steps, rounds]: [unknown, number] = ["never said", 0];
  for (;;) {
    const next = await measuring.next();
    if (next.done) return { findings: next.value, steps, rounds };
    if (next.value.type === "drawing") steps = next.value.steps;
    if (next.value.type === "round") rounds = next.value.round;
  }
}

test("settings draw whole pictures by turns, after one that nobody counts", async () => {
  const machine = new Machine(4);
  const { findings, steps, rounds } = await all(machine.bench([setting(2), setting(4)], 100));
  expect([steps, rounds]).toEqual([null, 9]);
  expect(machine.log.slice(0, 8)).toEqual([
    "2:2!",
    "4:2!",
    "2:1",
    "2:4",
    "4:1",
    "4:4",
    "2:4",
    "4:4",
  ]);
  expect(machine.log.slice(-2)).toEqual(["2 closed", "4 closed"]);
  expect(findings[0]).toMatchObject({
    startups: [2],
    calls: 4,
    wholes: Array<number>(9).fill(2.75),
    decodes: Array<number>(9).fill(0.25),
    privateBytes: 2 ** 30,
    problem: null,
  });
  // The first call of a process, which takes nine times as long, is not among them.
  expect(findings[0].steps).toEqual(Array<number>(1 + 9 * 4).fill(0.5));
});

test("where whole pictures take too long, as many steps as there is time for, and no later end", async () => {
  const machine = new Machine(50);
  const { findings, steps, rounds } = await all(machine.bench([setting(1), setting(2)], 60));
  expect(steps).toBeGreaterThan(1);
  expect(steps).toBeLessThan(12);
  expect(rounds).toBeGreaterThanOrEqual(2);
  expect(machine.time).toBeLessThan(60 + 15);
  expect(findings.map(({ calls, wholes }) => [calls, wholes])).toEqual([
    [50, []],
    [50, []],
  ]);
});

test("what there was no time for says so", async () => {
  const { findings } = await all(new Machine(20).bench([setting(1), setting(2)], 3));
  expect(findings[0]).toMatchObject({ problem: null, steps: [1] });
  expect(findings[1]).toMatchObject({ problem: "there was no time for it", steps: [] });
});

test("where memory holds one process, they are opened anew in every round", async () => {
  const machine = new Machine(4);
  machine.free = 2.5 * 2 ** 30;
  const { findings } = await all(machine.bench([setting(2), setting(4)], 60));
  expect(machine.mostOpen).toBe(1);
  expect(machine.open).toBe(0);
  expect(findings[1].startups.length).toBeGreaterThan(2);
  expect(new Set(findings[1].steps)).toEqual(new Set([0.25]));
});

test("a setting that fails is told and passed over", async () => {
  const machine = new Machine(4);
  const { findings } = await all(machine.bench([setting(13), setting(4)], 60));
  expect(findings[0].problem).toBe("unlucky");
  expect(findings[1].wholes.length).toBe(9);
  expect(machine.log.filter((line) => line === "13 closed")).toHaveLength(1);
});

test("stopping closes every process", async () => {
  const machine = new Machine(4);
  const controller = new AbortController();
  const measuring = measure(machine.bench([setting(2), setting(4)], 60, controller.signal));
  await measuring.next();
  controller.abort(new Error("stopped"));
  await expect(measuring.next()).rejects.toThrow("stopped");
  expect(machine.open).toBe(0);
});
