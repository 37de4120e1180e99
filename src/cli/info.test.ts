/** @file What `limn info` and errors print of files that strangers made. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeEach, expect, test, vi } from "vitest";
import { FormatError } from "../base/index.ts";
import { encodePng, withPngTexts, writeSafetensors } from "../formats/index.ts";
import { printError } from "./errors.ts";
import { info } from "./info.ts";

const hostile = "tests/goldens/formats/hostile";
const folder = mkdtempSync(join(tmpdir(), "limn-"));
afterAll(() => rmSync(folder, { recursive: true }));

let printed: string[] = [];
beforeEach(() => {
  printed = [];
  for (const stream of ["log", "error"] as const)
    vi.spyOn(console, stream).mockImplementation((line: string) => void printed.push(line));
});

/** Lines that a terminal shows as they are. */
const harmless = /^[^\p{Cc}\p{Bidi_Control}\u2028\u2029]*$/u;
const evil = "\u001b]0;owned\u0007\u009b2J\u202e\r\nlimn: all is well";

test("names and metadata of tensors are shown and not obeyed", async () => {
  const path = join(folder, "evil.safetensors");
  const data = new Float32Array(1);
  const tensors = [
    { name: evil, dtype: "f32" as const, shape: [1], data },
    { name: "down.0.weight", dtype: "f32" as const, shape: [1], data },
    { name: "n".repeat(60_000), dtype: "f32" as const, shape: [1], data },
  ];
  await writeSafetensors(path, tensors, new Map([[evil, `${evil}${"m".repeat(10_000)}`]]));
  await info([path]);
  for (const line of printed) expect(line).toMatch(harmless);
  expect(printed.join("").length).toBeLessThan(2000);
  expect(printed).toContain("down.0.weight  f32 [1]");
  const [plain] = [printed.join("")];
  expect(plain).toContain("\\u001b]0;owned\\u0007\\u009b2J\\u202e");
  printed = [];
  await info([path, "--json"]);
  expect(printed).toHaveLength(1);
  expect(printed[0]).toMatch(harmless);
  const { metadata } = JSON.parse(printed[0]) as { metadata: Record<string, string> };
  expect(Object.keys(metadata)).toEqual([evil]);
});

test("an infotext keeps its lines, and they have no power", async () => {
  await info([`${hostile}/images/infotext-script.png`]);
  expect(printed.slice(0, 2)).toEqual([
    "<script>alert(1)</script><img src=x onerror=alert(1)>\\u001b[2J",
    "Negative prompt: {{constructor.constructor('x')()}}",
  ]);
  printed = [];
  const path = join(folder, "evil.png");
  const texts = new Map([["parameters", `a${evil}\nSteps: 1`]]);
  const pixels = { width: 1, height: 1, channels: 3 as const, data: new Uint8Array(3) };
  writeFileSync(path, withPngTexts(await encodePng(pixels), texts));
  await info([path]);
  for (const line of printed) expect(line).toMatch(harmless);
  expect(printed).toHaveLength(3);
});

test.each([false, true])("errors are shown and not obeyed, with --json %s", (json) => {
  printError(new FormatError(evil, { hint: evil }), { json, debug: true });
  for (const line of printed) expect(line).toMatch(harmless);
  expect(printed.join("")).toContain("owned");
  printed = [];
  printError(new FormatError("torn"), { json, debug: false });
  expect(printed).toEqual([json ? '{"error":{"code":"format","message":"torn"}}' : "limn: torn"]);
});

test("numbers that are none are counted", async () => {
  const last = async (path: string) => {
    await info([path]);
    return printed.at(-1);
  };
  const among = "among the numbers of";
  const single = `${hostile}/safetensors/not-finite.safetensors`;
  expect(await last(single)).toBe(`note: 1 NaN and 2 infinite ${among} a`);
  const half = `${hostile}/safetensors/not-finite-f16.safetensors`;
  expect(await last(half)).toBe(`note: 1 NaN and 1 infinite ${among} a`);
  const path = join(folder, "wide.safetensors");
  const numbers = new Float64Array(2 ** 21 + 2); // more than is read at once
  numbers.set([1e300, NaN]);
  numbers.set([-Infinity, NaN], 2 ** 21);
  const whole = BigInt64Array.of(0x7fffffffffffffffn);
  const rest = { name: "ids", dtype: "i64" as const, shape: [1], data: whole };
  const wide = { name: "w", dtype: "f64" as const, shape: [numbers.length], data: numbers };
  await writeSafetensors(path, [wide, rest]);
  expect(await last(path)).toBe(`note: 2 NaN and 1 infinite ${among} w`);
});

test("a shape of thousands of axes is cut", async () => {
  await info([`${hostile}/safetensors/shape-many.safetensors`]);
  expect(printed[0]).toMatch(/ \[1,1,1,1,1,1,1,1,… 5000 axes in all\]$/);
  expect(printed.join("").length).toBeLessThan(200);
});
