/** @file `limn bench` from outside: figures, a default that drawing honours, forgetting it, stopping. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { afterEach, beforeAll, expect, test, vi } from "vitest";
import {
  buildIfStale,
  finish,
  freshFolder,
  goldenModel,
  limn,
  start,
} from "./reference/built-cli.ts";

const sd1 = goldenModel("sd1");
const small = ["--model", sd1, "--engine", "ort", "--threads", "1"];

beforeAll(() => buildIfStale(), 120_000);
afterEach(() => vi.unstubAllEnvs());

interface Report {
  machine: { processor: string; threads: number };
  versions: Record<string, string>;
  models: { model: string; rounds: number; rows: Row[] }[];
  best: { engine: string; precision: string; threads: number } | null;
  saved: string | null;
}
interface Row {
  engine: string;
  threads: number;
  step: { least: number; median: number };
  stepsPerSecond: number;
  picture: number;
  startup: number;
  privateBytes: number | null;
  calls: number;
  problem: string | null;
}

/** Processes that a process started; none where the system does not tell. */
function childrenOf(pid: number | undefined): string[] {
  const list = `/proc/${pid}/task/${pid}/children`;
  return existsSync(list) ? readFileSync(list, "utf8").split(" ").filter(Boolean) : [];
}

test("measures, saves, draws by what was saved, and forgets it", { timeout: 120_000 }, async () => {
  const folder = freshFolder();
  vi.stubEnv("LIMN_DATA", join(folder, "data"));
  const { code, stdout, stderr } = await limn(
    folder,
    "bench",
    ...small,
    "--seconds",
    "6",
    "--save",
    "--json",
  );
  expect([code, stderr]).toEqual([0, expect.stringMatching(/measuring 1 settings? of ort/)]);
  const report = JSON.parse(stdout) as Report;
  expect(report.best).toEqual({ engine: "ort", precision: "f32", threads: 1 });
  const [{ model, rounds, rows }] = report.models;
  expect([model, rows.length, rounds > 0]).toEqual(["sd1", 1, true]);
  const [row] = rows;
  expect(row).toMatchObject({ engine: "ort", threads: 1, problem: null });
  expect(row.step.least).toBeLessThanOrEqual(row.step.median);
  expect(row.stepsPerSecond).toBeCloseTo(1 / row.step.median, 9);
  // 50 steps of PNDM make 51 calls; the model's own number is drawn where there is time.
  expect(row.picture).toBeGreaterThan(50 * row.step.least);
  expect(row.startup).toBeGreaterThan(0);
  if (process.platform === "linux") {
    expect(row.privateBytes).toBeGreaterThan(20e6);
    expect(row.privateBytes).toBeLessThan(2e9);
  }
  expect(JSON.parse(readFileSync(report.saved ?? "", "utf8"))).toMatchObject({
    version: 1,
    drawing: { engine: "ort", precision: "f32", threads: 1, models: ["sd1"] },
  });

  const drawn = await limn(
    folder,
    "x",
    "--model",
    sd1,
    "--steps",
    "1",
    "--width",
    "32",
    "--height",
    "32",
    "--json",
  );
  expect(JSON.parse(drawn.stdout)).toMatchObject({ engine: "ort", precision: "f32" });
  const doctor = await limn(folder, "doctor");
  expect(doctor.stdout).toMatch(/ok +draws by +ort f32, 1 thread, saved by limn bench with sd1/);

  expect((await limn(folder, "bench", "--reset")).stdout).toBe("forgot the saved setting\n");
  expect((await limn(folder, "bench", "--reset")).stdout).toBe("nothing was saved\n");
  expect((await limn(folder, "doctor")).stdout).toMatch(/draws by +auto/);
});

test(
  "a settings file that is broken is told, and how to get rid of it",
  { timeout: 60_000 },
  async () => {
    const folder = freshFolder();
    vi.stubEnv("LIMN_DATA", join(folder, "data"));
    mkdirSync(join(folder, "data"));
    writeFileSync(
      join(folder, "data", "settings.json"),
      '{"version": 1, "drawing": {"engine": "cuda"}}',
    );
    const { code, stderr } = await limn(folder, "x", "--model", sd1, "--steps", "1");
    expect([code, stderr]).toEqual([
      1,
      expect.stringMatching(/settings.json: engine must be .*"cuda".*limn bench --reset forgets/),
    ]);
    expect((await limn(folder, "bench", "--reset")).code).toBe(0);
  },
);

test("bad arguments are refused before anything starts", { timeout: 60_000 }, async () => {
  const folder = freshFolder();
  const many = String(4 * availableParallelism() + 1);
  const refused = async (...words: string[]) => {
    const { code, stderr } = await limn(folder, "bench", ...words);
    return [code, stderr] as const;
  };
  expect(await refused("--threads", "1,x")).toEqual([
    2,
    expect.stringContaining("threads: must be a whole number"),
  ]);
  expect(await refused("--model", sd1, "--threads", many)).toEqual([
    2,
    expect.stringContaining("threads: must be a whole number from 1 to"),
  ]);
  expect(await refused("--engine", "cuda")).toEqual([
    2,
    expect.stringContaining("openvino or ort or wasm"),
  ]);
  expect(await refused("--seconds", "0")).toEqual([2, expect.stringContaining("seconds")]);
  expect(await refused("--model", "nowhere")).toEqual([
    2,
    expect.stringContaining('called "nowhere"'),
  ]);
  expect(await refused("again")).toEqual([2, expect.stringContaining("too many arguments")]);
});

test(
  "stops by Ctrl-C with exit code 130 and leaves no process behind",
  { timeout: 60_000 },
  async () => {
    const folder = freshFolder();
    const child = start(folder, ["bench", ...small, "--seconds", "60"]);
    const ended = finish(child);
    await new Promise<void>((ready) => {
      child.stderr.on("data", (text: string) => {
        if (text.includes("round 1")) ready();
      });
    });
    const drawing = childrenOf(child.pid);
    if (process.platform === "linux") expect(drawing).toHaveLength(1);
    child.kill("SIGINT");
    const { code, stderr } = await ended;
    expect([code, stderr]).toEqual([130, expect.stringContaining("stopping; Ctrl-C again kills")]);
    expect(drawing.filter((pid) => existsSync(`/proc/${pid}`))).toEqual([]);
  },
);
