/** @file The diary of a run that was killed: torn and too many lines are dropped, whole ones stay. */
import { appendFile, mkdtemp, readFile, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { Journal } from "./journal.node.ts";

const step = (n: number) => ({
  step: n,
  metrics: { kl: n / 3, loss: 1 / n },
  norm: n,
  rate: 1e-9,
  samples: 4,
});
const newFolder = () => mkdtemp(join(tmpdir(), "limn-journal-"));

test("lines are written at once and read back", async () => {
  const folder = await newFolder();
  const journal = await Journal.open(folder, 0);
  for (const n of [1, 2, 3]) await journal.add(step(n));
  expect(await readFile(join(folder, "journal.csv"), "utf8")).toBe(
    "step,kl,loss,norm,rate\n1,0.3333333,1,1,1e-9\n2,0.6666667,0.5,2,1e-9\n3,1,0.3333333,3,1e-9\n",
  );
  expect(await journal.losses()).toEqual([
    { step: 1, loss: 1 },
    { step: 2, loss: 0.5 },
    { step: 3, loss: 0.3333333 },
  ]);
});

test("a resumed run drops what it makes again, and what was torn", async () => {
  const folder = await newFolder();
  const first = await Journal.open(folder, 0);
  for (let n = 1; n <= 12; n++) await first.add(step(n));
  // Cut in its step, which then looks like one that was kept.
  await appendFile(join(folder, "journal.csv"), "1");
  const again = await Journal.open(folder, 10);
  expect((await again.losses()).map((row) => row.step)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
  await again.add(step(11));
  await appendFile(join(folder, "journal.csv"), "12,4,0.08333,1");
  expect((await again.losses()).at(-1)?.step).toBe(11);
  expect((await (await Journal.open(folder, 11)).losses()).length).toBe(11);
});

test("a diary without its run begins anew, a run without its diary goes on", async () => {
  const folder = await newFolder();
  await writeFile(join(folder, "journal.csv"), "step,loss,norm,rate\n1,2,3,4\n");
  expect(await (await Journal.open(folder, 0)).losses()).toEqual([]);
  const late = await Journal.open(folder, 500);
  await late.add(step(501));
  expect(await (await Journal.open(folder, 501)).losses()).toEqual([
    { step: 501, loss: Number((1 / 501).toPrecision(7)) },
  ]);
});
