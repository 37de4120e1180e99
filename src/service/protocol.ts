/** @file The messages between whoever wants pictures and the generator, which lives in a worker or a process of its own. */
import type { SentError } from "../base/index.ts";
import type { RandomName } from "../pipelines/index.ts";
import type { Precision } from "../runtime/index.ts";
import type { EngineName } from "./engines/table.ts";

/** Which engine: a name, or the fastest that is there. */
export type EngineChoice = "auto" | EngineName;

/** What to compute in: a name, or the fastest that is exact enough. */
export type PrecisionChoice = "auto" | Precision;

/** What to draw. null leaves a choice to the model. All of it survives a structured clone. */
export interface GenerateRequest {
  /** Folder of the model, as the registry found it. */
  readonly folder: string;
  /** One prompt for each picture that shall differ; each is drawn `count` times. */
  readonly prompts: readonly string[];
  readonly negative: string | null;
  readonly steps: number | null;
  readonly guidance: number | null;
  readonly guidanceRescale: number;
  readonly seed: number;
  readonly count: number;
  /** Pictures made at once. */
  readonly batch: number;
  readonly width: number | null;
  readonly height: number | null;
  readonly sampler: string | null;
  readonly schedule: string | null;
  readonly rng: RandomName;
  readonly eta: number | null;
  /** As A1111 counts: 1 takes the last layer, 2 the one before. */
  readonly clipSkip: number | null;
  /** A file with the start noise. */
  readonly latents: string | null;
  /** Whether every step's latents are wanted at the end. */
  readonly keepLatents: boolean;
  readonly engine: EngineChoice;
  readonly precision: PrecisionChoice;
  readonly threads: number | null;
  readonly mode: "lean" | "fast" | null;
}

/** The request with everything decided: enough to make the picture again. */
export interface Settings {
  readonly model: string;
  /** null where none was given: SDXL then takes zeros, but reads an empty one as text. */
  readonly negative: string | null;
  readonly steps: number;
  readonly guidance: number;
  readonly guidanceRescale: number;
  readonly width: number;
  readonly height: number;
  readonly sampler: string;
  readonly schedule: string;
  readonly rng: RandomName;
  readonly eta: number;
  readonly clipSkip: number;
  /** The file with the start noise; null where the seed made it. */
  readonly latents: string | null;
  readonly engine: string;
  readonly engineVersion: string;
  readonly precision: Precision;
  readonly version: string;
}

/** Seconds. */
export interface Timings {
  readonly load: number;
  readonly encode: number;
  readonly steps: readonly number[];
  readonly decode: number;
}

/** A tensor that crosses the border: f32, row by row. */
export interface SentTensor {
  readonly name: string;
  readonly shape: readonly number[];
  readonly data: Float32Array;
}

/** What is asked of the generator. Jobs are done in order. */
export type GeneratorCommand =
  | { readonly type: "generate"; readonly id: number; readonly request: GenerateRequest }
  /** Ends a job, even within a step. */
  | { readonly type: "cancel"; readonly id: number }
  /** Cancels all jobs, gives back all memory and ends. */
  | { readonly type: "close" };

/** What happens to one job; `done`, `failed` and `cancelled` are the last of it. */
export type GeneratorEvent =
  /** What takes a while before the start, as a sentence. */
  | { readonly type: "preparing"; readonly text: string }
  /** All that can be refused was found possible: what follows are steps. */
  | {
      readonly type: "started";
      readonly settings: Settings;
      readonly pictures: number;
      /** What whoever asked may not expect, such as the words that a prompt is too long for. */
      readonly notes: readonly string[];
    }
  | {
      readonly type: "step";
      /** Pictures finished before this batch, and in it. */
      readonly from: number;
      readonly count: number;
      /** From 1 to `steps`, the calls of the network for this batch. */
      readonly step: number;
      readonly steps: number;
      readonly seconds: number;
    }
  | {
      readonly type: "picture";
      readonly index: number;
      readonly prompt: string;
      readonly seed: number;
      /** The file, its parameters inside. */
      readonly png: Uint8Array;
    }
  | {
      readonly type: "done";
      readonly timings: Timings;
      readonly peakRss: number;
      /** `initial`, `step_000` … and `final` of all pictures, when they were wanted. */
      readonly latents: readonly SentTensor[];
      /** Deviation that `initial` was scaled to. */
      readonly initNoiseSigma: number;
    }
  | { readonly type: "failed"; readonly error: SentError }
  | { readonly type: "cancelled" };

/** What the generator says: an event of a job, or that it has ended. */
export type GeneratorMessage =
  | { readonly type: "event"; readonly id: number; readonly event: GeneratorEvent }
  | { readonly type: "closed" };

/** A two-way channel of messages: a worker's port, a child process, or one end of a MessageChannel. */
export interface Port<Out, In> {
  send(message: Out, transfer?: readonly ArrayBuffer[]): void;
  receive(listener: (message: In) => void): void;
  close(): void;
}
