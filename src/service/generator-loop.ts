/** @file The generator's own side: takes commands from a port, draws, and tells what happens. One job at a time. */
import { JobQueue } from "../base/index.ts";
import { encodePng } from "../formats/index.ts";
import type { Generation } from "../pipelines/index.ts";
import { picturesOf, prepareDrawing, type Drawing } from "./drawing.ts";
import { limnVersion } from "./folders.ts";
import { LatentsRecord, readStartNoise } from "./latents-file.ts";
import { OpenModel } from "./open-model.ts";
import { infotextOf } from "./parameters.ts";
import type {
  GenerateRequest,
  GeneratorCommand,
  GeneratorEvent,
  GeneratorMessage,
  Port,
  Settings,
} from "./protocol.ts";

/** Serves a port until it is told to close. */
export function serveGenerator(port: Port<GeneratorMessage, GeneratorCommand>): void {
  const model = new OpenModel();
  const jobs = new JobQueue();
  port.receive((command) => {
    switch (command.type) {
      case "generate": {
        const { id, request } = command;
        const emit: Emit = (event, transfer) => port.send({ type: "event", id, event }, transfer);
        return jobs.add(id, (signal) => new Job(model, request, { signal, emit }).run(), emit);
      }
      case "cancel":
        return jobs.cancel(command.id);
      case "close":
        void jobs
          .close()
          .then(() => model[Symbol.asyncDispose]())
          .finally(() => {
            port.send({ type: "closed" });
            port.close();
          });
    }
  });
}

type Emit = (event: GeneratorEvent, transfer?: ArrayBuffer[]) => void;

type Started = Omit<Extract<GeneratorEvent, { type: "started" }>, "type">;

/** One request on its way: its times, its latents, its pictures. */
class Job {
  readonly #model: OpenModel;
  readonly #request: GenerateRequest;
  readonly #signal: AbortSignal;
  readonly #emit: Emit;
  readonly #times = { load: 0, encode: 0, steps: [] as number[], decode: 0 };
  readonly #latents = new LatentsRecord();
  #initNoiseSigma = 1;
  #last = performance.now();

  constructor(
    model: OpenModel,
    request: GenerateRequest,
    { signal, emit }: { signal: AbortSignal; emit: Emit },
  ) {
    this.#model = model;
    this.#request = request;
    this.#signal = signal;
    this.#emit = emit;
  }

  async run(): Promise<void> {
    const { latents, batch, keepLatents } = this.#request;
    this.#signal.throwIfAborted();
    const pictures = picturesOf(this.#request).length;
    const noise = latents === null ? null : await readStartNoise(latents, pictures);
    const { model, notes } = await this.#model.get(this.#request, {
      say: (text) => this.#emit({ type: "preparing", text }),
      signal: this.#signal,
    });
    const drawing = prepareDrawing(model, this.#request, noise);
    const settings = { ...drawing.settings, version: limnVersion() };
    this.#times.load += this.#lap();
    const started = { settings, pictures, notes: [...notes, ...drawing.notes] };
    for (let from = 0; from < pictures; from += batch) await this.#batch(drawing, started, from);
    this.#emit({
      type: "done",
      timings: this.#times,
      peakRss: process.resourceUsage().maxRSS * 1024,
      latents: keepLatents ? this.#latents.tensors() : [],
      initNoiseSigma: this.#initNoiseSigma,
    });
  }

  async #batch(drawing: Drawing, started: Started, from: number): Promise<void> {
    const { settings } = started;
    const count = Math.min(this.#request.batch, drawing.pictures.length - from);
    const run = drawing.draw(from, this.#signal);
    let steps = 0;
    try {
      for (;;) {
        this.#signal.throwIfAborted();
        const next = await run.next();
        if (next.done) return await this.#finish(drawing, settings, { from, result: next.value });
        const news = next.value;
        const seconds = this.#lap();
        switch (news.type) {
          case "encoded":
            this.#times.encode += seconds;
            break;
          case "initial":
            this.#times.load += seconds;
            steps = news.steps;
            this.#initNoiseSigma = news.initNoiseSigma;
            this.#keep("initial", news.x);
            // What the machine has no memory for was refused before: what it would have cost is of no interest then.
            if (from === 0) this.#emit({ type: "started", ...started });
            break;
          case "step":
            this.#times.steps.push(seconds);
            this.#keep(`step_${String(news.index).padStart(3, "0")}`, news.x);
            this.#emit({ type: "step", from, count, step: news.index + 1, steps, seconds });
            break;
          case "decoding":
            break;
        }
      }
    } finally {
      await run.return(undefined as never);
    }
  }

  async #finish(
    { pictures }: Drawing,
    settings: Settings,
    { from, result }: { from: number; result: Generation },
  ): Promise<void> {
    this.#keep("final", result.latents);
    for (const [i, image] of result.images.entries()) {
      const { prompt, seed } = pictures[from + i];
      const texts = new Map([["parameters", infotextOf(settings, prompt, seed)]]);
      const png = await encodePng(image, texts);
      this.#emit({ type: "picture", index: from + i, prompt, seed, png }, [png.buffer]);
    }
    this.#times.decode += this.#lap();
  }

  #keep(name: string, x: Parameters<LatentsRecord["add"]>[1]): void {
    if (this.#request.keepLatents) this.#latents.add(name, x);
  }

  /** Seconds since the last call. */
  #lap(): number {
    const before = this.#last;
    this.#last = performance.now();
    return (this.#last - before) / 1000;
  }
}
