/**
 * @file Private memory of the SD 1.5 UNet in ONNX Runtime by session options: one process per row, through the C API.
 * Run: python bench/peers/export_unet.py FOLDER, then
 * npx jiti bench/spikes/lean-memory.ts FOLDER [unet.f32|unet.f16|mha.f32|mha.f16]
 */
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { OrtApi, OrtTensor, type SessionOptions, type levels } from "./ort-c-api.ts";

interface Row {
  readonly level: keyof typeof levels;
  readonly packing: boolean;
  readonly arena?: "growing" | "none";
}

/** Megabytes of this process by `/proc/self/smaps_rollup`. */
function memory(): { readonly private: number; readonly mapped: number } {
  const text = readFileSync("/proc/self/smaps_rollup", "utf8");
  const of = (key: string): number =>
    Number(new RegExp(`^${key}: +(\\d+)`, "m").exec(text)?.[1] ?? 0) / 1024;
  const resident = of("Rss");
  // Pages of a mapped file that nothing wrote to are clean, even if only this process maps them.
  const anonymous = of("Anonymous");
  return { private: anonymous, mapped: resident - anonymous };
}

async function measure(
  folder: string,
  kind: string,
  { level, packing, arena = "growing" }: Row,
): Promise<void> {
  const api = new OrtApi();
  const config: Record<string, string> = {
    "session.model_external_initializers_file_folder_path": folder,
    "session.intra_op.allow_spinning": "0",
  };
  if (!packing) config["session.disable_prepacking"] = "1";
  const options: SessionOptions = { threads: 2, level, config, arena };
  const before = memory().private;
  const start = performance.now();
  const session = api.session(readFileSync(join(folder, `${kind}.onnx`)), options);
  const created = performance.now() - start;
  const loaded = memory();
  const tensor = (name: string, shape: readonly number[]): OrtTensor => {
    const data = new Float32Array(shape.reduce((a, b) => a * b, 1)).fill(0.5);
    return new OrtTensor(api, { name, dtype: "f32", shape }, data);
  };
  const inputs = [
    tensor("sample", [1, 4, 64, 64]),
    tensor("timestep", [1]),
    tensor("text", [1, 77, 768]),
  ];
  const call = session.bind(inputs, [tensor("out", [1, 4, 64, 64])]);
  const times: number[] = [];
  for (let i = 0; i < 3; i++) {
    const from = performance.now();
    await call.run();
    times.push(performance.now() - from);
  }
  const after = memory();
  const cell = (value: number): string => value.toFixed(0).padStart(7);
  console.log(
    `${level.padEnd(9)} ${packing ? "packed  " : "unpacked"}${arena === "none" ? " no arena" : ""} created in ${(created / 1000).toFixed(1).padStart(5)} s,` +
      ` private MB: ${cell(loaded.private - before)} created, ${cell(after.private - before)} after 3 runs,` +
      ` mapped file ${cell(after.mapped)};  run ${(Math.min(...times) / 1000).toFixed(2)} s`,
  );
}

const [folder, kind = "unet.f32", row] = process.argv.slice(2);
if (!folder) throw new Error("give the folder that export_unet.py has filled");
if (row) {
  await measure(resolve(folder), kind, JSON.parse(row) as Row);
} else {
  console.log(`SD 1.5 UNet, ${kind}, 64×64 latents, batch 1, 2 threads`);
  const jiti = fileURLToPath(import.meta.resolve("jiti/package.json")).replace(
    "package.json",
    "lib/jiti-cli.mjs",
  );
  for (const level of ["disabled", "basic", "extended", "layout", "all"] as const)
    for (const packing of [false, true]) {
      const args = [
        jiti,
        fileURLToPath(import.meta.url),
        folder,
        kind,
        JSON.stringify({ level, packing }),
      ];
      process.stdout.write(
        execFileSync(process.execPath, args, {
          encoding: "utf8",
          stdio: ["ignore", "pipe", "ignore"],
        }),
      );
    }
}
