/** @file Weights that do not fit are counted and named; foreign names go both ways. */
import { expect, test } from "vitest";
import { readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import type { StoredTensor } from "../formats/index.ts";
import { Linear, Module, place } from "../nn/index.ts";
import { legacyAttention, matchWeights, nameTable } from "./index.ts";

class Pair extends Module {
  readonly first = new Linear(2, 3);
  readonly second = new Linear(3, 4);
  forward() {
    return null;
  }
}

const stored = (shape: number[], dtype: StoredTensor["dtype"] = "f16"): StoredTensor => ({
  dtype,
  shape,
  file: "f",
  offset: 0,
  length: 0,
});
const whole = {
  "first.weight": stored([3, 2]),
  "first.bias": stored([3]),
  "second.weight": stored([4, 3]),
  "second.bias": stored([4]),
};
const match = (tensors: Record<string, StoredTensor>) =>
  matchWeights(place(new Pair(), "net"), new Map(Object.entries(tensors)), { what: "net.file" });

test("a file that fits is mapped by parameter path", () => {
  expect([...match(whole).keys()].sort()).toEqual([
    "net.first.bias",
    "net.first.weight",
    "net.second.bias",
    "net.second.weight",
  ]);
  expect(
    match({ ...whole, "text_model.embeddings.position_ids": stored([1, 77], "i64") }).size,
  ).toBe(4);
});

test("missing, unexpected and misshapen tensors are counted, five of each named", () => {
  const extra = Object.fromEntries(Array.from({ length: 7 }, (_, i) => [`lora.${i}`, stored([1])]));
  const tensors: Record<string, StoredTensor> = {
    "first.weight": stored([2, 3]),
    "first.bias": stored([3], "i8"),
    "second.bias": stored([4]),
    ...extra,
  };
  expect(() => match(tensors)).toThrow(
    "net.file: 1 tensor missing: second.weight; " +
      "7 tensors unexpected: lora.0, lora.1, lora.2, lora.3, lora.4, and 2 more; " +
      "2 tensors misshapen: first.weight [2,3] instead of [3,2], first.bias of i8 instead of floats",
  );
});

test("legacy attention names come back as they were, and touch nothing else", () => {
  const rows = gunzipSync(readFileSync("tests/keys/sd15.vae.tsv.gz")).toString().trim().split("\n");
  const names = rows.map((row) => row.split("\t")[0]);
  const renamed = names.filter((name) => legacyAttention.toForeign(name) !== null);
  expect(renamed.length).toBe(16); // q, k, v and out of encoder and decoder, weight and bias
  for (const name of renamed) {
    const foreign = legacyAttention.toForeign(name) ?? "";
    expect(foreign).toMatch(
      /^(en|de)coder\.mid_block\.attentions\.0\.(query|key|value|proj_attn)\.(weight|bias)$/,
    );
    expect(legacyAttention.toOwn(foreign)).toBe(name);
  }
});

test("the first pattern that fits counts, digits are digits, and dots are dots", () => {
  const table = nameTable([
    ["a.{i:n}.x", "b.{i:n}"],
    ["a.{rest}", "c.{rest}"],
  ]);
  expect(["a.12.x", "a.y.x", "aXy", "b.7"].map((n) => table.toOwn(n))).toEqual([
    "b.12",
    "c.y.x",
    null,
    null,
  ]);
  expect(["b.12", "c.y.x"].map((n) => table.toForeign(n))).toEqual(["a.12.x", "a.y.x"]);
});
