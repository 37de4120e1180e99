/** @file Places that can be written to and such that cannot, found out before the work. */
import { rmSync, writeFileSync } from "node:fs";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import type { Generator } from "./generator.ts";
import { generateToFiles } from "./generate.ts";
import { prepareFolder, prepareLatentsFile } from "./places.ts";
import type { GenerateRequest, GeneratorEvent } from "./protocol.ts";

async function folder(): Promise<string> {
  const made = await mkdtemp(join(tmpdir(), "limn-places-"));
  onTestFinished(() => rm(made, { recursive: true }));
  return made;
}

test("folders are made, however deep, and left empty", async () => {
  const deep = join(await folder(), "a", "b", "c");
  await prepareFolder("out", deep);
  await prepareFolder("out", deep);
  expect(await readdir(deep)).toEqual([]);
});

test("places that cannot be are refused by the argument's name", async () => {
  const place = await folder();
  const file = join(place, "file");
  await writeFile(file, "");
  await expect(prepareFolder("out", join(file, "x"))).rejects.toMatchObject({
    field: "out",
    message: `out: cannot write into ${join(file, "x")}: a part of the path is a file, not a folder`,
  });
  await expect(prepareLatentsFile(place)).rejects.toThrow("save-latents: ");
  await expect(prepareLatentsFile(place)).rejects.toThrow("is a folder");
  await expect(prepareLatentsFile(join(place, "a.bin"))).rejects.toThrow(
    "limn writes .safetensors files",
  );
});

test.runIf(process.platform === "linux")("a system that denies a folder is believed", async () => {
  await expect(prepareFolder("out", "/proc/limn/x")).rejects.toThrow(
    "out: cannot write into /proc/limn/x: nothing can be made there",
  );
});

/** A generator that makes picture after picture until it is stopped. */
function endless(events: string[]): Generator {
  const generate: Generator["generate"] = async (_request, { signal, onEvent } = {}) => {
    const settings = {} as Extract<GeneratorEvent, { type: "started" }>["settings"];
    onEvent?.({ type: "started", settings, pictures: 1000, notes: [] });
    for (let index = 0; index < 1000 && !signal?.aborted; index++) {
      events.push("picture");
      onEvent?.({ type: "picture", index, prompt: "x", seed: index, png: new Uint8Array(1) });
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    return { type: "cancelled" };
  };
  return { generate } as Generator;
}

const request = {} as GenerateRequest;
const quiet = { signal: new AbortController().signal, onEvent: () => undefined };

test("an impossible place is refused before the generator is asked", async () => {
  const events: string[] = [];
  const file = join(await folder(), "file");
  await writeFile(file, "");
  const target = { kind: "file", path: join(file, "a.png") } as const;
  const drawing = generateToFiles(endless(events), request, {
    ...quiet,
    target,
    saveLatents: null,
    onFile: () => undefined,
  });
  await expect(drawing).rejects.toMatchObject({ field: "out" });
  expect(events).toEqual([]);
});

test("the first file that cannot be written ends the job", async () => {
  const events: string[] = [];
  const out = join(await folder(), "out");
  const drawing = generateToFiles(endless(events), request, {
    ...quiet,
    target: { kind: "folder", path: out, names: "number" },
    saveLatents: null,
    // At once: the next file is begun as soon as this returns.
    onFile() {
      rmSync(out, { recursive: true });
      writeFileSync(out, "in the way");
    },
  });
  await expect(drawing).rejects.toThrow(/^cannot write .*(is a file|can be made there)/);
  expect(events.length).toBeLessThan(100);
  expect(await readFile(out, "utf8")).toBe("in the way");
});
