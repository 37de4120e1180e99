/** @file The worker's side of drawing for a page: opens one model, draws in order, tells what happens. */
import { assert, JobQueue, toSentError } from "../../base/index.ts";
import type { Image } from "../../formats/index.ts";
import { load, type LoadOptions } from "../loading/load-remote.ts";
import type {
  PainterCommand,
  PainterEnding,
  PainterEvent,
  PainterMessage,
  PainterRequest,
} from "./protocol.ts";
import type { StableDiffusion } from "../stable-diffusion.ts";
import { textToImage } from "../text-to-image.ts";

/** The global object of a dedicated worker, or one end of a channel. */
export interface WorkerScope {
  postMessage(message: PainterMessage, options: { transfer: ArrayBuffer[] }): void;
  addEventListener(type: "message", listener: (event: { data: unknown }) => void): void;
  close(): void;
}

type Load = (folder: string, options: LoadOptions) => Promise<StableDiffusion>;

/** Serves `self` of a dedicated worker: the one line that a worker's file needs. */
export function servePainter(scope: WorkerScope, open: Load = load): void {
  const send = (message: PainterMessage, transfer: ArrayBuffer[] = []) =>
    scope.postMessage(message, { transfer });
  const jobs = new JobQueue();
  let model: Promise<StableDiffusion> | null = null;
  const obey = (command: PainterCommand) => {
    switch (command.type) {
      case "open": {
        const onDownload: LoadOptions["onDownload"] = (download) =>
          send({ type: "download", download });
        model = open(command.folder, { ...command.options, onDownload });
        model.then(
          (opened) => send({ type: "opened", model: describe(opened) }),
          (error: unknown) => send({ type: "refused", error: toSentError(error) }),
        );
        return;
      }
      case "draw": {
        const { id } = command;
        const tell: Tell = (event, transfer) => send({ type: "event", id, event }, transfer);
        const work = async (signal: AbortSignal) => {
          assert(model, "a drawing was asked for before a model was opened");
          await draw(await model, command, { signal, tell });
        };
        return jobs.add(id, work, tell);
      }
      case "cancel":
        return jobs.cancel(command.id);
      case "close":
        void jobs
          .close()
          .then(async () => (await model)?.[Symbol.asyncDispose]())
          .catch(() => undefined)
          .then(() => {
            send({ type: "closed" });
            scope.close();
          });
    }
  };
  // Only the other side of this protocol speaks here.
  scope.addEventListener("message", ({ data }) => obey(data as PainterCommand));
}

function describe({ parts, runner }: StableDiffusion) {
  const { name, defaults, remarks } = parts;
  const { name: engine, version } = runner.options.engine;
  return { name, defaults, remarks, engine: { name: engine, version } };
}

type Tell = (event: PainterEvent | PainterEnding, transfer?: ArrayBuffer[]) => void;

interface Surroundings {
  readonly signal: AbortSignal;
  readonly tell: Tell;
}

async function draw(
  model: StableDiffusion,
  { request, previews }: { request: PainterRequest; previews: number },
  { signal, tell }: Surroundings,
): Promise<void> {
  const run = textToImage(model, { ...request, signal });
  let steps = 0;
  for (;;) {
    await heard();
    signal.throwIfAborted();
    const next = await run.next();
    if (next.done) {
      const { images, seeds, latents } = next.value;
      return tell({ type: "done", images, seeds, latents }, buffersOf(images));
    }
    const news = next.value;
    if (news.type === "initial") {
      steps = news.steps;
      tell({ type: "initial", steps });
    } else if (news.type === "step") {
      const step = news.index + 1;
      const preview = isShown(step, steps, previews) ? await model.decode(news.denoised) : null;
      tell({ type: "step", step, steps, preview }, preview ? buffersOf(preview) : []);
    } else tell({ type: news.type });
  }
}

/** Computing leaves no turn to anything else: a cancellation is heard here, between steps. */
function heard(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve));
}

/** Whether a preview belongs after this step; the last step is followed by the picture itself. */
function isShown(step: number, steps: number, previews: number): boolean {
  const part = (n: number) => Math.floor((n * (previews + 1)) / steps);
  return step < steps && part(step) > part(step - 1);
}

function buffersOf(images: readonly Image[]): ArrayBuffer[] {
  return images.flatMap(({ data }) => (data.buffer instanceof ArrayBuffer ? [data.buffer] : []));
}
