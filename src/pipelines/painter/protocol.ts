/** @file The messages between a page and the worker in which it draws. All of them survive a structured clone. */
import type { HostArray, SentError } from "../../base/index.ts";
import type { Download, Image } from "../../formats/index.ts";
import type { LoadOptions } from "../loading/load-remote.ts";
import type { ModelDefaults, TextToImageRequest } from "../request.ts";

/** How the worker loads the model: what a message can carry of `LoadOptions`. */
export type PainterOptions = Pick<
  LoadOptions,
  "device" | "threads" | "files" | "mode" | "cacheBytes" | "keepBytes"
>;

/** What to draw. */
export type PainterRequest = Omit<TextToImageRequest, "signal">;

/** The model as a page needs to know it. */
export interface PainterModel {
  readonly name: string;
  readonly defaults: ModelDefaults;
  /** What is unusual about the folder, as sentences. */
  readonly remarks: readonly string[];
  readonly engine: { readonly name: string; readonly version: string };
}

/** What is asked of the worker. Requests are drawn in order. */
export type PainterCommand =
  /** The first command; `folder` is an absolute URL. */
  | { readonly type: "open"; readonly folder: string; readonly options: PainterOptions }
  | {
      readonly type: "draw";
      readonly id: number;
      readonly request: PainterRequest;
      /** How many unfinished pictures to show at most, spread over the steps. */
      readonly previews: number;
    }
  /** Ends a drawing after the step that is being computed. */
  | { readonly type: "cancel"; readonly id: number }
  /** Cancels everything, gives back all memory and ends. */
  | { readonly type: "close" };

/** How a drawing goes on. */
export type PainterEvent =
  | { readonly type: "encoded" }
  /** All is ready; `steps` calls of the network follow. */
  | { readonly type: "initial"; readonly steps: number }
  | {
      readonly type: "step";
      /** From 1 to `steps`. */
      readonly step: number;
      readonly steps: number;
      /** What the pictures look like now, where it was wanted. */
      readonly preview: readonly Image[] | null;
    }
  | { readonly type: "decoding" };

/** How a drawing ends. */
export type PainterEnding =
  | {
      readonly type: "done";
      readonly images: readonly Image[];
      readonly seeds: readonly number[];
      readonly latents: HostArray;
    }
  | { readonly type: "failed"; readonly error: SentError }
  | { readonly type: "cancelled" };

/** What the worker says. */
export type PainterMessage =
  | { readonly type: "download"; readonly download: Download }
  | { readonly type: "opened"; readonly model: PainterModel }
  | { readonly type: "refused"; readonly error: SentError }
  | { readonly type: "event"; readonly id: number; readonly event: PainterEvent | PainterEnding }
  | { readonly type: "closed" };
