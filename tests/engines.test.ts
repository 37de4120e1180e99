/** @file `limn engines` and `--engine` from outside: listing, installing, removing, choosing, and libraries that are of no use. */
import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { afterEach, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import { encodePng, parseInfotext, readPictureTexts } from "../src/formats/index.ts";
import { fits, parseWheelName, thisMachine } from "../src/service/engines/wheel.ts";
import {
  buildIfStale,
  finish,
  freshFolder,
  goldenModel,
  limn,
  start,
} from "./reference/built-cli.ts";
import { describeOpenVino } from "./reference/engines.ts";
import { offering, serve, wheelOf, type Answers } from "./reference/fake-index.ts";

beforeAll(() => buildIfStale(), 240_000);

let data = "";
let named: string | undefined;
beforeEach(() => {
  named = process.env.LIMN_OPENVINO;
  data = freshFolder();
  vi.stubEnv("LIMN_DATA", data);
  vi.stubEnv("LIMN_CACHE", join(data, "cache"));
  vi.stubEnv("LIMN_OPENVINO", "");
});
afterEach(() => {
  vi.unstubAllEnvs();
});

const quick = [
  "--model",
  goldenModel("sd1"),
  "--steps",
  "2",
  "--width",
  "32",
  "--height",
  "32",
  "--seed",
  "3",
];
const linux = "openvino-2026.4.1-1-cp312-cp312-manylinux_2_17_x86_64.whl";
const wheelName = parseWheelName(linux);
const here = wheelName !== null && fits(wheelName, thisMachine());
const root = () => join(data, "engines", "openvino");
const from = (url: string) => ["--by", "index", "--index", `${url}/simple`];
const install = ["engines", "install", "openvino"];

test("the list names every engine and what auto takes; as JSON too", async () => {
  const { code, stdout } = await limn(data, "engines");
  expect(code).toBe(0);
  expect(stdout).toMatch(/^-- {2}openvino +OpenVINO is not installed$/m);
  expect(stdout).toContain("limn engines install openvino");
  expect(stdout).toMatch(/^ok {2}ort +\d+\.\d+\.\d+, f32$/m);
  expect(stdout).toMatch(/^auto takes ort, f32/m);
  const report = JSON.parse((await limn(data, "engines", "list", "--json")).stdout) as {
    engines: { name: string; state: string }[];
    auto: { engine: string };
  };
  expect(report.engines.map(({ name }) => name)).toEqual(["openvino", "ort", "wasm"]);
  expect(report.auto.engine).toBe("ort");
  expect((await limn(data, "doctor")).stdout).toMatch(
    /^-- {2}engine openvino OpenVINO is not installed\n +limn engines install openvino$/m,
  );
});

test.each([
  [["engines", "install"], "install needs the name of an engine"],
  [["engines", "install", "ort"], "limn can install openvino, not ort"],
  [["engines", "rm"], "rm needs the name of an engine"],
  [["engines", "update"], 'there is no "update"'],
  [["engines", "list", "all"], "list needs no more words"],
  [["x", ...quick, "--engine", "tensorrt"], "engine: must be auto or ort or openvino or wasm"],
  [["x", ...quick, "--precision", "f16"], "precision: must be auto or f32 or bf16"],
  [
    ["x", ...quick, "--engine", "ort", "--precision", "bf16"],
    "the engine ort computes in f32 on this machine, not in bf16",
  ],
])("%j is refused with code 2", async (words, message) => {
  const { code, stderr } = await limn(data, ...words);
  expect([code, stderr]).toEqual([2, expect.stringContaining(message)]);
});

test("OpenVINO asked for by name and missing: code 1, and what to do", async () => {
  const { code, stdout } = await limn(data, "x", ...quick, "--engine", "openvino", "--json");
  expect(code).toBe(1);
  expect(JSON.parse(stdout)).toEqual({
    error: {
      code: "engine",
      message: "OpenVINO is not installed",
      hint: "limn engines install openvino",
    },
  });
});

test("a picture in another engine's precision is drawn again by the engine that is named", async () => {
  const said =
    "a cat\nSteps: 2, Seed: 3, Engine: openvino 2026.4.1, Precision: bf16, Version: limn 0.1.0";
  const image = { width: 1, height: 1, channels: 3, data: new Uint8Array(3) } as const;
  const bytes = await encodePng(image, new Map([["parameters", said]]));
  writeFileSync(join(data, "bf16.png"), bytes);
  const again = ["--like", "bf16.png", ...quick, "--engine", "ort", "--json"];
  const { code, stdout } = await limn(data, ...again);
  expect([code, JSON.parse(stdout)]).toEqual([
    0,
    expect.objectContaining({ engine: "ort", precision: "f32" }),
  ]);
});

test("nothing to remove: code 1", async () => {
  const { code, stderr } = await limn(data, "engines", "rm", "openvino");
  expect([code, stderr]).toEqual([1, expect.stringContaining("is not in limn's data folder")]);
});

describe.runIf(here)("with an index on this machine", () => {
  const wheel = wheelOf();
  const good = offering([{ name: linux, bytes: wheel }]);

  test("the size is said before anything is fetched; a library of no use is told at once, and auto draws without", async () => {
    await using server = await serve(good);
    const { code, stdout, stderr } = await limn(data, ...install, ...from(server.url));
    expect(stderr).toMatch(/^openvino-2026\.4\.1\S+, from the index: \d+ MB to fetch/);
    expect(stderr.indexOf("to fetch")).toBeLessThan(stderr.indexOf("fetching"));
    // What the index has are not libraries at all: that is found out now, not by the first picture.
    expect([code, stdout]).toEqual([1, `${join(root(), "2026.4.1")}\n`]);
    expect(stderr).toContain("cannot be loaded");
    const drawn = await limn(data, "x", ...quick, "--json");
    expect(drawn.code).toBe(0);
    expect(JSON.parse(drawn.stdout)).toMatchObject({ engine: "ort", precision: "f32" });
    const said = drawn.stderr.split("\n").filter((line) => line.includes("libopenvino_c"));
    expect(said).toEqual([
      expect.stringMatching(/^limn: .* cannot be loaded: .*; drawing with ONNX Runtime instead$/),
    ]);
    expect((await limn(data, "x", ...quick, "--engine", "openvino")).code).toBe(1);
    expect((await limn(data, "doctor")).stdout).toMatch(/^!! {2}engine openvino/m);
    expect((await limn(data, "engines", "rm", "openvino")).stdout).toContain(
      "OpenVINO 2026.4.1 is gone",
    );
    expect(readdirSync(root())).toEqual([]);
  });

  test("a dry run fetches nothing", async () => {
    await using server = await serve({ "/simple/openvino/": good["/simple/openvino/"] });
    const { code, stderr } = await limn(data, ...install, ...from(server.url), "--dry-run");
    expect([code, stderr]).toEqual([0, expect.stringContaining(linux)]);
    expect(existsSync(root())).toBe(false);
  });

  test("Ctrl-C in the middle of the download: code 130, nothing left", async () => {
    let come: () => void = () => undefined;
    const asked = new Promise<void>((resolve) => (come = resolve));
    const slow: Answers = {
      ...good,
      [`/files/${linux}`]: (_, response) => {
        response.write(wheel.subarray(0, 20));
        come();
      },
    };
    await using server = await serve(slow);
    const child = start(data, [...install, ...from(server.url)]);
    const ending = finish(child);
    await asked;
    child.kill("SIGINT");
    const { code, stderr } = await ending;
    expect([code, stderr]).toEqual([
      130,
      expect.stringContaining("stopping; nothing is left behind"),
    ]);
    expect(readdirSync(root())).toEqual([]);
  });

  test("an index that cannot be reached: one sentence, code 1", async () => {
    const { code, stderr } = await limn(data, ...install, ...from("http://127.0.0.1:1"));
    expect(code).toBe(1);
    expect(stderr).toMatch(
      /^limn: http:\/\/127\.0\.0\.1:1\/simple\/openvino\/ cannot be reached: .*\n$/,
    );
  });
});

describeOpenVino("drawing", () => {
  /** The library found before, at a place of its own whose files are the same ones. */
  beforeEach(() => vi.stubEnv("LIMN_OPENVINO", named ?? ""));

  test("a picture says which engine and precision drew it, and these draw it again, byte by byte", async () => {
    const { code, stdout, stderr } = await limn(
      data,
      "a cat",
      ...quick,
      "--engine",
      "openvino",
      "--json",
      "--out",
      "a.png",
    );
    expect([code, stderr]).toEqual([0, expect.any(String)]);
    const { engine, precision, parameters } = JSON.parse(stdout) as {
      engine: string;
      precision: string;
      parameters: { engine: string; precision: string; engineVersion: string };
    };
    expect(engine).toBe("openvino");
    const { texts } = await readPictureTexts(readFileSync(join(data, "a.png")), "a.png");
    const said = parseInfotext(texts.get("parameters") ?? "").parameters;
    expect(said.get("Engine")).toBe(`openvino ${parameters.engineVersion}`);
    expect(said.get("Precision")).toBe(precision);
    const words = ["--engine", parameters.engine, "--precision", parameters.precision];
    await limn(data, "a cat", ...quick, ...words, "--out", "b.png");
    await limn(data, "--like", "a.png", "--model", goldenModel("sd1"), "--out", "c.png");
    const [a, b, c] = ["a.png", "b.png", "c.png"].map((name) => readFileSync(join(data, name)));
    expect([b.equals(a), c.equals(a)]).toEqual([true, true]);
  });

  test("a picture that was drawn in f32 elsewhere is drawn again in f32", async () => {
    await limn(data, "a cat", ...quick, "--engine", "ort", "--out", "a.png");
    const again = ["--like", "a.png", "--engine", "openvino", "--model", goldenModel("sd1")];
    const { stdout } = await limn(data, ...again, "--json");
    expect(JSON.parse(stdout)).toMatchObject({ engine: "openvino", precision: "f32" });
  });

  test("with a cache that cannot be written it draws all the same", async () => {
    mkdirSync(join(data, "cache"));
    writeFileSync(join(data, "cache", "compiled"), "a file in the way");
    const { code } = await limn(data, "a cat", ...quick, "--engine", "openvino");
    expect(code).toBe(0);
  });

  test.runIf(process.platform === "linux")(
    "a library that is removed while it runs does not stop the run",
    async () => {
      const words = ["a cat", ...quick, "--engine", "openvino", "--steps", "400", "--out"];
      expect((await limn(data, ...words, "whole.png")).code).toBe(0);
      const copy = join(data, "engine");
      cpSync(named ?? "", copy, { recursive: true });
      vi.stubEnv("LIMN_OPENVINO", copy);
      vi.stubEnv("LIMN_CACHE", join(data, "other cache"));
      const child = start(data, [...words, "c.png"]);
      const ending = finish(child);
      await new Promise<void>((resolve) => child.stderr.once("data", () => resolve()));
      rmSync(copy, { recursive: true });
      const { code, signal, stderr } = await ending;
      // What was loaded stays; what has to be loaded still may be gone, which is one sentence.
      expect(signal).toBeNull();
      if (code === 0)
        expect(
          readFileSync(join(data, "c.png")).equals(readFileSync(join(data, "whole.png"))),
        ).toBe(true);
      else
        expect([code, stderr.trim().split("\n").at(-1)]).toEqual([
          1,
          expect.stringMatching(/^limn: OpenVINO .* was removed from .* while in use/),
        ]);
      const after = await limn(data, "a cat", ...quick, "--engine", "openvino");
      expect([after.code, after.stderr]).toEqual([
        1,
        expect.stringContaining("where no OpenVINO C library lies"),
      ]);
    },
    240_000,
  );
});
