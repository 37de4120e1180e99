/**
 * @file limn and every peer on the same work by turns: Stable Diffusion 1.5 of random numbers call by call, the emblem, and
 * training steps. Run: LIMN_PEERS=python npx jiti bench/all.ts [--size tiny] [--works emblem-unet,…] [--without torch.compile] [--threads 2]
 * [--rounds 7]. LIMN_OPENVINO names OpenVINO's libraries, LIMN_SDCPP stable-diffusion.cpp's program.
 */
import { availableParallelism } from "node:os";
import { parseArgs } from "node:util";
import { contest } from "./all/contest.ts";
import { buildOwn, rivals, writeExpected } from "./all/rivals.ts";
import { stableDiffusionCpp } from "./all/sd-cpp.ts";
import { composedTable, targetTable, workTable, type WorkResult } from "./all/tables.ts";
import { worksOf, writeWork } from "./all/works.ts";
import type { UnetSize } from "./random-model.ts";
import { writeReport, type Table } from "./report.ts";

const { values: words } = parseArgs({
  options: {
    size: { type: "string", default: "sd15" },
    works: { type: "string" },
    without: { type: "string" },
    threads: { type: "string", default: String(availableParallelism()) },
    rounds: { type: "string", default: "7" },
  },
});
const size: UnetSize = words.size === "tiny" ? "tiny" : "sd15";
const [threads, rounds] = [Number(words.threads), Number(words.rounds)];
const wanted = words.works?.split(",") ?? null;
const without = words.without?.split(",") ?? [];

const all = await worksOf(size);
const unknown = wanted?.find((name) => !all.some((work) => work.name === name));
if (unknown !== undefined)
  throw new Error(
    `no work is called ${unknown}; there are ${all.map(({ name }) => name).join(", ")}`,
  );
const chosen = all.filter(({ name }) => wanted?.includes(name) ?? true);
const taking = rivals(threads).filter(({ name }) => !without.some((word) => name.includes(word)));
const found = new Map<string, WorkResult>();
const once: string[] = [];

/** Everything so far: what breaks late loses nothing. */
async function report(): Promise<void> {
  const versions = new Set<string>();
  for (const { results } of found.values())
    for (const result of results)
      if ("measured" in result)
        versions.add(`${result.name.replace(/ (f32|bf16)$/, "")} ${result.measured.version}`);
  const said = [...versions];
  const tables: (Table | null)[] = [
    targetTable(found, size),
    composedTable(found, size),
    ...[...found.values()].map(workTable),
  ];
  await writeReport(["all", size, String(threads), ...(wanted ?? [])].join("-"), {
    notes: [
      `${threads} threads, ${rounds} rounds, call by call in turns. Agreement is the signal to noise against limn's f32 on ONNX Runtime.`,
      `Versions: ${said.join("; ")}.`,
      ...(without.length > 0 ? [`Left out by hand: ${without.join(", ")}.`] : []),
      ...once,
    ],
    tables: tables.filter((table) => table !== null),
  });
}

await buildOwn();
for (const work of chosen) {
  console.error(work.name);
  const file = await writeWork(work);
  await writeExpected(work, file, threads);
  const results = await contest(work, { file, rivals: taking, rounds });
  found.set(work.name, { name: work.name, title: work.title, results });
  await report();
}
if (chosen.some(({ name }) => name === `${size}-unet-1`)) {
  once.push(await stableDiffusionCpp(chosen[0].model, threads));
  await report();
}
