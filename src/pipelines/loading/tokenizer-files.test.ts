/** @file Tokenizer folders that must be refused with a word about the file, and what may be missing. */
import { cp, mkdir, mkdtemp, rm, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { FormatError } from "../../base/index.ts";
import { readTokenizer } from "./tokenizer-files.node.ts";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "limn tokenizer "));
  await cp("tests/goldens/models/sd1/tokenizer", folder, { recursive: true });
});
afterEach(() => rm(folder, { recursive: true }));

async function refusal(): Promise<string> {
  const error: unknown = await readTokenizer(folder).catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(FormatError);
  return (error as FormatError).message;
}

test("only the vocabulary and the merges are needed", async () => {
  const whole = await readTokenizer(folder);
  await rm(join(folder, "tokenizer_config.json"), { force: true });
  await rm(join(folder, "special_tokens_map.json"), { force: true });
  expect((await readTokenizer(folder)).encode("a cat")).toEqual(whole.encode("a cat"));
  await rm(join(folder, "merges.txt"));
  expect(await refusal()).toMatch(/merges\.txt does not exist$/);
});

test("an optional file that cannot be read is not passed over", async () => {
  const config = join(folder, "tokenizer_config.json");
  await rm(config, { force: true });
  await mkdir(config);
  expect(await refusal()).toMatch(/tokenizer_config\.json is not a file$/);
});

test("doubled keys, broken UTF-8 and endless files are refused", async () => {
  const config = join(folder, "tokenizer_config.json");
  await writeFile(config, '{"model_max_length": 77, "model_max_length": 5}');
  expect(await refusal()).toContain('the key "model_max_length" appears twice');
  await writeFile(config, Uint8Array.of(0x22, 0xff, 0x22));
  expect(await refusal()).toContain("is not UTF-8 text");
  await writeFile(config, "{}");
  await truncate(join(folder, "merges.txt"), 2 ** 25 + 1);
  expect(await refusal()).toContain("over the 33554432 of any such file");
});
