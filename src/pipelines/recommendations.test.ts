/** @file `limn.json`: read strictly, and obeyed by a model that is loaded. */
import { cp, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { load } from "./loading/load.node.ts";
import { readRecommendations } from "./recommendations.node.ts";
import { completeRequest } from "./request.ts";

async function folderWith(json: string | Uint8Array): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "limn-json-"));
  onTestFinished(() => rm(folder, { recursive: true }));
  await writeFile(join(folder, "limn.json"), json);
  return folder;
}

test("a model without the file recommends nothing, others what they say", async () => {
  const silent = await readRecommendations("tests/goldens/models/sd1");
  expect(Object.values(silent).every((value) => value === null)).toBe(true);
  const folder = await folderWith('{"steps": 12, "guidance": 3.5, "negative": "blurry"}');
  expect(await readRecommendations(folder)).toMatchObject({
    steps: 12,
    guidance: 3.5,
    negative: "blurry",
    sampler: null,
  });
});

test.each([
  ['{"steps": "many"}', 'steps must be a whole number, got "many"'],
  ['{"steps": 1.5}', "steps must be a whole number, got 1.5"],
  ['{"sampler": 3}', "sampler must be a text, got 3"],
  [
    '{"knows": "all"}',
    'knows must be things such as { "en": ["cat"], "ru": ["кошка"] }, got "all"',
  ],
  ['{"knows": [{"en": ["cat"]}, {"en": "dog"}]}', "knows[1] must be things"],
  ['{"knows": [{"en": [1]}]}', "knows[0] must be things"],
  ['{"knows": [{"en": []}]}', "knows[0] must be things"],
  ['{"knows": [{}]}', "knows[0] must be things"],
  ["[]", "must be a JSON object"],
  ["{", "is not JSON"],
])("%s is refused", async (json, message) => {
  await expect(readRecommendations(await folderWith(json))).rejects.toThrow(message);
});

test("a file that is no text is not passed over", async () => {
  const folder = await folderWith(Uint8Array.of(0x7b, 0xff, 0x7d));
  await expect(readRecommendations(folder)).rejects.toThrow("limn.json is not UTF-8 text");
});

test("a loaded model draws as recommended, unless the request says otherwise", async () => {
  const folder = await folderWith(
    '{"steps": 7, "guidance": 2, "width": 48, "sampler": "Euler", "schedule": "Karras", "negative": "blurry"}',
  );
  await cp("tests/goldens/models/sd1", folder, { recursive: true });
  await using model = await load(folder);
  const own = completeRequest({ prompt: "a cat" }, model.parts.defaults);
  expect(own).toMatchObject({ steps: 7, guidance: 2, width: 48, height: 64, negative: "blurry" });
  expect(model.scheduler(own).config).toMatchObject({
    className: "EulerDiscreteScheduler",
    sigmaSpacing: "karras",
  });
  const other = completeRequest(
    { prompt: "a cat", steps: 3, sampler: "DDIM", negative: "" },
    model.parts.defaults,
  );
  expect(other).toMatchObject({ steps: 3, negative: "", sampler: "DDIM", schedule: null });
});
