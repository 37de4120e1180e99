/** @file What may befall the cache while limn draws, done to it for real: never a crash, a hang or a wrong picture. */
import { execFileSync, spawn } from "node:child_process";
import {
  cpSync,
  existsSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import {
  buildIfStale,
  finish,
  freshFolder,
  goldenModel,
  limn,
  start,
  type Finished,
} from "./reference/built-cli.ts";
import { describeOpenVino } from "./reference/engines.ts";

vi.setConfig({ testTimeout: 240_000 }); // several starts of limn each, on a machine that may have other work
beforeAll(() => buildIfStale(), 240_000);

let folder = "";
let cache = "";
beforeEach(() => {
  folder = freshFolder();
  cache = join(folder, "cache");
  vi.stubEnv("LIMN_DATA", join(folder, "data"));
  vi.stubEnv("LIMN_CACHE", cache);
});
afterEach(() => {
  vi.unstubAllEnvs();
});

/** A picture by OpenVINO, whose models are compiled and kept. */
const compiling = (out: string, model = goldenModel("sd1")) => [
  ...["a cat", "--model", model, "--steps", "2", "--width", "32", "--height", "32", "--seed", "3"],
  ...["--engine", "openvino", "--precision", "f32", "--out", out],
];
/** A picture by ONNX Runtime, whose 16-bit weights are widened and kept. */
const widening = (out: string) => [
  "a red apple",
  "--steps",
  "1",
  "--seed",
  "3",
  "--engine",
  "ort",
  "--out",
  out,
];
const picture = (name: string) => readFileSync(join(folder, name));
const namesIn = (path: string) =>
  statSync(path, { throwIfNoEntry: false })?.isDirectory() ? readdirSync(path) : [];

/** Draws, and requires success. */
async function draw(words: readonly string[]): Promise<Buffer> {
  const out = words[words.indexOf("--out") + 1];
  const { code, stderr } = await limn(folder, ...words);
  expect([code, stderr]).toEqual([0, expect.any(String)]);
  return picture(out);
}

const plains = new Map<string, Promise<Buffer>>();

/** The picture as it must be, drawn once, beside the cache. */
function drawPlain(words: (out: string) => readonly string[]): Promise<Buffer> {
  const key = words("plain.png")[0];
  const drawn = plains.get(key) ?? drawBeside(words);
  plains.set(key, drawn);
  return drawn;
}

async function drawBeside(words: (out: string) => readonly string[]): Promise<Buffer> {
  vi.stubEnv("LIMN_CACHE", join(folder, "other cache"));
  const plain = await draw(words("plain.png"));
  vi.stubEnv("LIMN_CACHE", cache);
  return plain;
}

/** Every compiled model's file, and when it was written. */
const blobs = () =>
  namesIn(join(cache, "compiled"))
    .flatMap((name) => namesIn(join(cache, "compiled", name)).map((file) => join(name, file)))
    .filter((file) => file.endsWith(".blob"))
    .map((file) => [file, statSync(join(cache, "compiled", file)).mtimeMs]);

/** All that lies there is whole, and the next start takes it. A lock may be left of a process that was killed when all was done. */
async function expectSound(plain: Buffer): Promise<void> {
  const left = namesIn(join(cache, "compiled")).filter((name) => !name.endsWith(".lock"));
  const before = blobs();
  expect(before).toHaveLength(left.length);
  expect(left.length).toBeGreaterThan(0);
  expect((await draw(compiling("sound.png"))).equals(plain)).toBe(true);
  expect(blobs()).toEqual(before);
}

/** Starts a run and kills it, as by kill -9, once `ripe` says so. What ended before anybody looked begins anew without a cache. */
async function killWhen(words: readonly string[], ripe: () => boolean): Promise<void> {
  for (let attempt = 0; attempt < 5; attempt++) {
    const child = start(folder, words);
    const ending = finish(child);
    while (!ripe() && child.exitCode === null) await sleep(1);
    child.kill("SIGKILL");
    const { code, signal, stderr } = await ending;
    if (signal === "SIGKILL") return;
    expect([code, stderr]).toEqual([0, expect.any(String)]);
    rmSync(cache, { recursive: true, force: true });
  }
  throw new Error("five runs ended before they could be killed");
}

test("a process that is killed while it widens weights leaves nothing that is believed", async () => {
  const plain = await drawPlain(widening);
  const twins = join(cache, "f32");
  const halfMade = () => namesIn(twins).some((name) => name.endsWith(".tmp"));
  await killWhen(widening("killed.png"), halfMade);
  expect((await draw(widening("after.png"))).equals(plain)).toBe(true);
});

/** Another number in the middle of a file, whose size stays. */
function overwrite(path: string): void {
  const bytes = readFileSync(path);
  bytes.fill(0x41, bytes.length / 2, bytes.length / 2 + 4000);
  writeFileSync(path, bytes);
}

test.each([
  ["cut short", (path: string) => truncateSync(path, 5000)],
  ["overwritten", overwrite],
])("a copy of weights in the cache that was %s is made anew", async (_, damage) => {
  const plain = await draw(widening("first.png"));
  const twins = join(cache, "f32");
  for (const name of namesIn(twins).filter((each) => each.endsWith(".safetensors")))
    damage(join(twins, name));
  expect((await draw(widening("after.png"))).equals(plain)).toBe(true);
});

describeOpenVino("compiled models", () => {
  test("three processes that compile the same model draw the same picture", async () => {
    const plain = await drawPlain(compiling);
    const all = await Promise.all(["a.png", "b.png", "c.png"].map((out) => draw(compiling(out))));
    expect(all.map((each) => each.equals(plain))).toEqual([true, true, true]);
    await expectSound(plain);
  });

  test("processes that are killed while they compile leave nothing that is believed", async () => {
    const plain = await drawPlain(compiling);
    const compiled = join(cache, "compiled");
    const locked = () => namesIn(compiled).some((name) => name.endsWith(".lock"));
    // The first lock, the second and the third model: each time some are whole and one is not.
    const halfMade: boolean[] = [];
    for (const whole of [0, 1, 2]) {
      const ripe = () => blobs().length >= whole && locked();
      await killWhen(compiling("killed.png"), ripe);
      halfMade.push(locked());
    }
    expect(halfMade).toContain(true);
    expect((await draw(compiling("after.png"))).equals(plain)).toBe(true);
    await draw(compiling("again.png")); // now all three are kept
    await expectSound(plain);
  });
});

/** What a run must be for which there was no room: a right picture, or one sentence that says what to do. */
function expectRefusalOr({ code, signal, stderr }: Finished, out: string, plain: Buffer): void {
  expect(signal).toBeNull();
  if (code === 0) return expect(picture(out).equals(plain)).toBe(true);
  expect([code, stderr.trim().split("\n").at(-1)]).toEqual([
    1,
    expect.stringMatching(
      /^limn: the cache folder .* cannot hold .*\(free some room, or set LIMN_CACHE/,
    ),
  ]);
  expect(existsSync(join(folder, out))).toBe(false);
}

/** Runs limn where no file may have more than so many kB: writes break off as on a full disk or at the end of a quota. */
function limnWithin(kilobytes: number, words: readonly string[]): Promise<Finished> {
  const entry = join(import.meta.dirname, "../dist/cli/main.js");
  const script = `ulimit -f ${kilobytes}; exec "$0" "$@"`;
  return finish(
    spawn("bash", ["-c", script, process.execPath, entry, ...words], {
      cwd: folder,
      env: { ...process.env, NO_COLOR: "1" },
    }),
  );
}

describe.runIf(process.platform !== "win32")("writes that break off", () => {
  test("while weights are widened", async () => {
    const plain = await drawPlain(widening);
    expectRefusalOr(await limnWithin(3000, widening("cut.png")), "cut.png", plain);
    expect(namesIn(join(cache, "f32"))).toEqual([]);
    expect((await draw(widening("after.png"))).equals(plain)).toBe(true);
  });

  describeOpenVino("compiled models", () => {
    // The graphs have 54, 103 and 458 kB, what is compiled of them 0.7, 2.5 and 5 MB.
    test.each([40, 400, 2000])("%i kB", async (kilobytes) => {
      const plain = await drawPlain(compiling);
      const cut = await limnWithin(kilobytes, compiling("cut.png"));
      expectRefusalOr(cut, "cut.png", plain);
      expect((await draw(compiling("after.png"))).equals(plain)).toBe(true);
      await expectSound(plain);
    });
  });
});

/** Why no disk of its own can be had here; null where it can. */
function mountMissing(): string | null {
  if (process.platform !== "linux" || process.getuid?.() !== 0) return "only root can mount a disk";
  const place = freshDisk();
  try {
    place.mount();
    place.unmount();
    return null;
  } catch {
    return "mounting is not allowed here";
  } finally {
    rmSync(place.path, { recursive: true, force: true });
  }
}

function freshDisk() {
  const path = execFileSync("mktemp", ["-d"], { encoding: "utf8" }).trim();
  return {
    path,
    mount: () =>
      execFileSync("mount", ["-t", "tmpfs", "-o", "size=320m", "none", path], { stdio: "pipe" }),
    unmount: () => execFileSync("umount", [path], { stdio: "pipe" }),
  };
}

describeOpenVino(
  "a full disk",
  () => {
    let disk: ReturnType<typeof freshDisk>;
    beforeEach(() => {
      disk = freshDisk();
      disk.mount();
      // Weights and cache on one disk, as on most machines: across two, weights are copied first.
      cpSync(goldenModel("sd1"), join(disk.path, "sd1"), { recursive: true });
      cache = join(disk.path, "cache");
      vi.stubEnv("LIMN_CACHE", cache);
    });
    afterEach(() => {
      disk.unmount();
      rmSync(disk.path, { recursive: true });
    });
    const drawing = (out: string) => compiling(out, join(disk.path, "sd1"));
    const fillDisk = () => {
      const filler = join(disk.path, "filler");
      const block = Buffer.alloc(1 << 20);
      try {
        for (;;) writeFileSync(filler, block, { flag: "a" });
      } catch {
        return () => rmSync(filler);
      }
    };

    test("from the start", async () => {
      const plain = await drawPlain(drawing);
      const free = fillDisk();
      expectRefusalOr(await limn(folder, ...drawing("full.png")), "full.png", plain);
      free();
      expect((await draw(drawing("after.png"))).equals(plain)).toBe(true);
    });

    test("that becomes full while a model is compiled", async () => {
      const plain = await drawPlain(drawing);
      const child = start(folder, drawing("full.png"));
      const ending = finish(child);
      const compiled = join(cache, "compiled");
      const isLocked = () => namesIn(compiled).some((name) => name.endsWith(".lock"));
      while (!isLocked() && child.exitCode === null) await sleep(1);
      const free = fillDisk();
      expectRefusalOr(await ending, "full.png", plain);
      const kept = namesIn(compiled).filter((name) =>
        existsSync(join(compiled, name, "record.json")),
      );
      expect(kept).toEqual([]);
      free();
      expect((await draw(drawing("after.png"))).equals(plain)).toBe(true);
      expect((await draw(drawing("again.png"))).equals(plain)).toBe(true);
      expect(blobs()).toHaveLength(3);
    });
  },
  mountMissing(),
);
