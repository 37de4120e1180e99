/** @file A generation from request to files: what the command line and a server both do. */
import { dirname } from "node:path";
import type { Generator } from "./generator.ts";
import { wishedPath, writeNewFile, type Target } from "./picture-files.ts";
import { prepareFolder, prepareLatentsFile } from "./places.ts";
import type { GenerateRequest, GeneratorEvent, Settings, Timings } from "./protocol.ts";

/** What was made and how. */
export interface GenerateReport {
  readonly files: readonly string[];
  readonly seeds: readonly number[];
  readonly settings: Settings;
  readonly timings: Timings;
  readonly peakRss: number;
  /** What whoever asked may not expect, as sentences. */
  readonly notes: readonly string[];
  /** The file of latents, where one was wanted. */
  readonly latents: string | null;
}

/** Where results go and who listens. */
export interface GenerateToFiles {
  readonly target: Target;
  /** File for every step's latents. */
  readonly saveLatents: string | null;
  readonly signal: AbortSignal;
  readonly onEvent: (event: GeneratorEvent) => void;
  /** Told of each file once it is whole. */
  readonly onFile: (path: string) => void;
}

/**
 * Draws and writes; null when it was stopped. Files that were finished before stay. Places that cannot be written to are
 * found out before the work; the first file that cannot be written ends it.
 */
export async function generateToFiles(
  generator: Generator,
  request: GenerateRequest,
  { target, saveLatents, signal, onEvent, onFile }: GenerateToFiles,
): Promise<GenerateReport | null> {
  await prepareFolder("out", target.kind === "file" ? dirname(target.path) : target.path);
  if (saveLatents !== null) await prepareLatentsFile(saveLatents);
  const files: string[] = [];
  const seeds: number[] = [];
  let settings: Settings | null = null;
  let notes: readonly string[] = [];
  const broken = new AbortController();
  // Files are written one after another, in the order of the pictures.
  let writing: Promise<void> = Promise.resolve();
  const ending = await generator.generate(request, {
    signal: AbortSignal.any([signal, broken.signal]),
    onEvent(event) {
      onEvent(event);
      if (event.type === "started") ({ settings, notes } = event);
      if (event.type !== "picture") return;
      seeds.push(event.seed);
      writing = writing.then(async () => {
        const path = await writeNewFile(wishedPath(target, event), event.png);
        files.push(path);
        onFile(path);
      });
      // Whoever awaits the whole below is told what went wrong.
      writing.catch(() => broken.abort());
    },
  });
  await writing;
  if (ending.type === "cancelled" || settings === null) return null;
  const { timings, peakRss, initNoiseSigma } = ending;
  let latents: string | null = null;
  if (saveLatents !== null) {
    const { writeLatents } = await import("./latents-file.ts");
    latents = await writeNewFile(saveLatents, (path) =>
      writeLatents(path, ending.latents, initNoiseSigma),
    );
  }
  return { files, seeds, settings, timings, peakRss, notes, latents };
}
