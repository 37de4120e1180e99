/** @file Who takes part: limn on its engines, and the peers, each a command that opens one work. */
import { execFile } from "node:child_process";
import { mkdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { build } from "esbuild";
import { peers } from "../contest.ts";
import { Absent, startContestant } from "./process.ts";
import type { Work } from "./works.ts";

/** A contestant. */
export interface Rival {
  readonly name: string;
  readonly side: "limn" | "peer";
  readonly precision: "f32" | "bf16";
  /** What its process may take: this many times the weights in f32. */
  readonly weights: number;
  /** Resolves to the command; rejects with Absent. */
  readonly command: (work: Work, file: string) => Promise<readonly [string, ...string[]]>;
}

const at = (path: string) => fileURLToPath(new URL(path, import.meta.url));
/** A bundle starts as a built program does. Two folders below the root, as every source is; and in none that is published. */
const bundle = at("../../runs/bench/own-worker.js");

/** Builds limn's side of the contest. */
export async function buildOwn(): Promise<void> {
  mkdirSync(at("../../runs/bench"), { recursive: true });
  await build({
    entryPoints: [at("own-worker.ts")],
    outfile: bundle,
    bundle: true,
    splitting: false,
    platform: "node",
    target: "node20",
    format: "esm",
    packages: "external",
    external: ["./own-training.ts"],
    logLevel: "error",
  });
}

/** limn as a command. Training reads a recipe, which needs the sources as they are. */
export function ownCommand(work: Work, words: readonly string[]): readonly [string, ...string[]] {
  if (work.kind !== "train") return [process.execPath, bundle, ...words];
  const jiti = fileURLToPath(new URL("lib/jiti-cli.mjs", import.meta.resolve("jiti/package.json")));
  return [process.execPath, jiti, at("own-worker.ts"), ...words];
}

const run = promisify(execFile);

/** Python's side: first the export that it reads, if it reads one. */
async function peerCommand(
  work: Work,
  {
    file,
    engine,
    precision,
    threads,
  }: { file: string; engine: string; precision: string; threads: number },
): Promise<readonly [string, ...string[]]> {
  if (peers === null)
    throw new Absent("LIMN_PEERS names no Python with bench/peers/requirements.txt");
  const script = at("../peers/all.py");
  const network = ["text", "unet", "vae"].includes(work.kind);
  if (network && /openvino|onnx/.test(engine)) {
    const { stdout } = await run(peers, [script, file, engine, "export", String(threads)]);
    const line = stdout.split("\n").find((text) => text.startsWith("{")) ?? "{}";
    const { absent } = JSON.parse(line) as { absent?: string };
    if (absent !== undefined) throw new Absent(absent);
  }
  return [peers, script, file, engine, precision, String(threads)];
}

/** Everyone, those side by side that are compared with each other. */
export function rivals(threads: number): Rival[] {
  const own = (engine: string, precision: Rival["precision"], weights: number): Rival => ({
    name: `limn, ${engine} ${precision}`,
    side: "limn",
    precision,
    weights,
    command: (work, file) =>
      Promise.resolve(ownCommand(work, [file, engine, precision, String(threads)])),
  });
  const peer = (
    [name, engine]: readonly [string, string],
    precision: Rival["precision"],
    weights: number,
  ): Rival => ({
    name: `${name} ${precision}`,
    side: "peer",
    precision,
    weights,
    command: (work, file) => peerCommand(work, { file, engine, precision, threads }),
  });
  const [openvino, fromOnnx, torch, compile] = [
    ["OpenVINO, Python", "openvino"],
    ["OpenVINO, Python, from ONNX", "openvino-onnx"],
    ["PyTorch", "torch"],
    ["torch.compile", "compile"],
  ] as const;
  return [
    own("openvino", "bf16", 0.7),
    peer(openvino, "bf16", 0.7),
    peer(fromOnnx, "bf16", 0.7),
    peer(torch, "bf16", 0.6),
    peer(compile, "bf16", 1.2),
    own("openvino", "f32", 1.2),
    peer(openvino, "f32", 1.2),
    peer(fromOnnx, "f32", 1.2),
    own("ort", "f32", 1.2),
    peer(["ONNX Runtime, plain export", "onnx"], "f32", 1.3),
    peer(torch, "f32", 1.1),
    peer(compile, "f32", 2.2),
  ];
}

/** limn's f32 answer on ONNX Runtime, which all others are held against. */
export async function writeExpected(work: Work, file: string, threads: number): Promise<void> {
  await using own = await startContestant(ownCommand(work, [file, "ort", "f32", String(threads)]));
  await own.ask({ do: "write" });
}
