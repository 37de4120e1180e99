/** @file Training killed by SIGKILL at the worst moments and gone on with: the same bytes as without. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFile, readdir } from "node:fs/promises";
import { join, resolve } from "node:path";
import { createInterface } from "node:readline";
import { expect, test } from "vitest";
import { writeSmallRecipe } from "../../tests/reference/small-recipe.ts";

/**
 * Trains in a process of its own, from the sources. A trap is a file operation that never returns: `[operation, file]`
 * stops in the middle of the first such operation while a file of that name is there (a temporary one begins with a dot).
 */
const program = `
process.env.TRAP = process.argv[3];
const [recipe, folder, trap] = process.argv.slice(1);
const { readdirSync, existsSync } = await import("node:fs");
const { open } = await import("node:fs/promises");
const { createJiti } = await import("jiti");
const jiti = createJiti(${JSON.stringify(resolve("package.json"))});
const load = (name) => jiti.import(${JSON.stringify(resolve("src"))} + "/" + name + "/index.ts");
if (trap.includes(" ")) {
  const [operation, name] = trap.split(" ");
  const handle = await open(recipe, "r");
  const methods = Object.getPrototypeOf(handle);
  await handle.close();
  const original = methods[operation];
  const only = folder + "/only";
  methods[operation] = async function (bytes) {
    if (existsSync(only) && readdirSync(only).some((file) => file.startsWith(name))) {
      if (bytes) await original.call(this, bytes.subarray(0, bytes.length >> 1));
      console.log("trapped");
      await new Promise((resolve) => setTimeout(resolve, 60_000));
    }
    return original.apply(this, arguments);
  };
}
const { ortEngine } = await load("runtime");
const { train } = await load("training");
const options = { folder, engine: await ortEngine(), threads: 2, keepEvery: 5, clock: () => performance.now() / 1000 };
for await (const event of train(recipe, options)) console.log(event.kind, event.step ?? event.from ?? "");
`;

/** Lines of the child until one is `last` (then it is killed) or it ends by itself. */
async function run(recipe: string, folder: string, trap: string, last?: string): Promise<string[]> {
  const child = spawn(
    process.execPath,
    ["--input-type=module", "-e", program, recipe, folder, trap],
    { stdio: ["ignore", "pipe", "inherit"] },
  );
  const ended = once(child, "exit");
  const lines: string[] = [];
  for await (const line of createInterface(child.stdout)) {
    lines.push(line);
    if (line === last) child.kill("SIGKILL");
  }
  const [code, signal] = (await ended) as [number | null, string | null];
  expect([code, signal]).toEqual(last === undefined ? [0, null] : [null, "SIGKILL"]);
  return lines;
}

const temporary = (names: readonly string[]) => names.filter((name) => name.endsWith(".tmp"));

test(
  "killed in a step, in a checkpoint, after it and at the very end",
  { timeout: 180_000 },
  async () => {
    // Step 8 waits for its second part for ever where the trap is "part".
    const { recipe, folder } = await writeSmallRecipe({
      batches: `return (step, part) =>
        process.env.TRAP === "part" && step === 7 && part === 1
          ? new Promise(() => undefined)
          : batch(step, part)`,
    });
    const whole = join(folder, "whole");
    await run(recipe, whole, "");

    const killed = join(folder, "killed");
    const only = join(killed, "only");
    const beginnings: string[] = [];
    const interrupt = async (trap: string, last: string) => {
      const [first] = await run(recipe, killed, trap, last);
      beginnings.push(first);
      return readdir(only);
    };
    expect(await interrupt("part", "step 7")).toContain("checkpoint-5.safetensors");
    const torn = await interrupt("writeFile .checkpoint-10.safetensors", "trapped");
    expect(torn).not.toContain("checkpoint-10.safetensors");
    expect(temporary(torn).length).toBe(1);
    const renamed = await interrupt("sync checkpoint-10.safetensors", "trapped");
    expect(renamed).toContain("checkpoint-10.safetensors");
    expect(temporary(renamed)).toEqual([]);
    const unfinished = await interrupt("writeFile .averaged.safetensors", "trapped");
    expect(unfinished).toContain("checkpoint-17.safetensors");
    expect(unfinished).not.toContain("averaged.safetensors");
    beginnings.push((await run(recipe, killed, ""))[0]);
    expect(beginnings).toEqual(["stage 0", "stage 5", "stage 5", "stage 10", "stage 17"]);

    expect((await readdir(only)).sort()).toEqual((await readdir(join(whole, "only"))).sort());
    for (const name of await readdir(join(whole, "only"))) {
      const [ours, theirs] = await Promise.all(
        [only, join(whole, "only")].map((at) => readFile(join(at, name))),
      );
      expect(ours.equals(theirs), name).toBe(true);
    }
    // Nothing is left to do, and nothing is done, which a note says.
    expect(await run(recipe, killed, "")).toEqual(["note "]);
  },
);
