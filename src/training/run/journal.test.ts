/** @file The diary of a run that was killed: torn and too many lines are dropped, whole ones stay. */
import { appendFile, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
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
  const third = await Journal.open(folder, 11);
  expect((await third.losses()).length).toBe(11);
  expect(third.notes).toEqual([]); // what a killed run leaves is no fault
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

test("a run that goes on without its diary says so", async () => {
  const folder = await newFolder();
  const file = join(folder, "journal.csv");
  expect((await Journal.open(folder, 0)).notes).toEqual([]);
  expect((await Journal.open(folder, 500)).notes).toEqual([
    `${file} is empty: the diary begins after step 500`,
  ]);
  await rm(file);
  expect((await Journal.open(folder, 500)).notes).toEqual([
    `${file} is missing: the diary begins after step 500`,
  ]);
});

test.each(["1,2,3,4\n2,2,3,4\n", "step,error,norm,rate\n1,2,3,4\n"])(
  "a diary without its columns is kept aside: %j",
  async (text) => {
    const folder = await newFolder();
    const file = join(folder, "journal.csv");
    await writeFile(file, text);
    const journal = await Journal.open(folder, 2);
    const aside = join(folder, "journal-before-2.csv");
    expect(journal.notes).toEqual([
      `${file} does not name its columns: it is ${aside} now, and the diary begins after step 2`,
    ]);
    expect(await readFile(aside, "utf8")).toBe(text);
    expect(await journal.losses()).toEqual([]);
  },
);

test("rows in the middle that cannot be read are counted", async () => {
  const folder = await newFolder();
  const rows = ["1,1,1,1", "2,1,1", "3,,1,1", "4,x,1,1", "3,1,1,1", "2,1,1,1", "4,0.5,1,1"];
  await writeFile(join(folder, "journal.csv"), ["step,loss,norm,rate", ...rows, ""].join("\n"));
  const journal = await Journal.open(folder, 4);
  expect(journal.notes).toEqual([
    `${join(folder, "journal.csv")}: rows that cannot be read are left out: 4`,
  ]);
  expect((await journal.losses()).map(({ step }) => step)).toEqual([1, 3, 4]);
});

test("a diary that is there and cannot be read is not begun anew", async () => {
  const folder = await newFolder();
  await mkdir(join(folder, "journal.csv"));
  await expect(Journal.open(folder, 3)).rejects.toMatchObject({
    message: `${join(folder, "journal.csv")} cannot be read`,
  });
});
