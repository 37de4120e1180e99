/** @file A drawer that is a process: limn's own generator, as a user's command runs it. */
import { fork, type ChildProcess } from "node:child_process";
import { decodeImage } from "../../formats/index.ts";
import { Generator, type Ending } from "../generator.ts";
import type { GenerateRequest, GeneratorCommand, GeneratorEvent } from "../protocol.ts";
import { processMemory } from "../process-memory.ts";
import type { GeneratorMessage } from "../protocol.ts";
import type { DrawingSetting } from "../settings.ts";
import type { Drawer, Drawn, DrawOrder } from "./drawers.ts";

/** What every drawing of a bench has in common. */
export type BenchRequest = Omit<GenerateRequest, keyof DrawingSetting | "steps">;

/** Seconds of a clock that only goes forward. */
const now = () => performance.now() / 1000;

/** Starts a process for a setting; the first drawing waits for it. */
export function processDrawer(setting: DrawingSetting, common: BenchRequest): Drawer {
  return new ProcessDrawer(setting, common);
}

class ProcessDrawer implements Drawer {
  readonly #setting: DrawingSetting;
  readonly #common: BenchRequest;
  readonly #from = now();
  readonly #child: ChildProcess;
  readonly #generator: Generator;
  #fresh = true;

  constructor(setting: DrawingSetting, common: BenchRequest) {
    this.#setting = setting;
    this.#common = common;
    const extension = import.meta.url.endsWith(".ts") ? "ts" : "js";
    const entry = new URL(`./worker.${extension}`, import.meta.url);
    const child = fork(entry, { serialization: "advanced" });
    this.#child = child;
    this.#generator = new Generator(
      {
        send: (command: GeneratorCommand) => void (child.connected && child.send(command)),
        receive: (listener) => child.on("message", (m) => listener(m as GeneratorMessage)),
        close: () => child.disconnect(),
      },
      endOf(child),
    );
  }

  async draw({ steps, stopAfter }: DrawOrder, signal: AbortSignal): Promise<Drawn> {
    const stop = new AbortController();
    const cancel = () => stop.abort();
    signal.addEventListener("abort", cancel, { once: true });
    const record = { steps: [] as number[], calls: 0, png: null as Uint8Array | null, first: 0 };
    const onEvent = (event: GeneratorEvent) => {
      if (event.type === "picture") record.png = event.png;
      if (event.type !== "step") return;
      // What was on its way when the job was stopped no longer counts.
      if (stop.signal.aborted) return;
      if (record.first === 0) record.first = now() - event.seconds;
      record.steps.push(event.seconds);
      record.calls = event.steps;
      if (event.step === stopAfter) stop.abort();
    };
    const from = now();
    const request = { ...this.#common, ...this.#setting, steps };
    try {
      const options = { signal: stop.signal, onEvent };
      const ending = await this.#generator.generate(request, options);
      signal.throwIfAborted();
      return await this.#drawn(ending, record, now() - from);
    } finally {
      signal.removeEventListener("abort", cancel);
      this.#fresh = false;
    }
  }

  async #drawn(
    ending: Ending,
    {
      steps,
      calls,
      png,
      first,
    }: { steps: number[]; calls: number; png: Uint8Array | null; first: number },
    seconds: number,
  ): Promise<Drawn> {
    const done = ending.type === "done" ? ending.timings : null;
    const image = png && (await decodeImage(png, { what: "the picture" })).image;
    return {
      steps,
      calls,
      encode: done?.encode ?? 0,
      decode: done?.decode ?? null,
      whole: done && seconds,
      startup: this.#fresh ? first - this.#from : null,
      pixels: image && Uint8Array.from(image.data),
    };
  }

  privateBytes(): number | null {
    return processMemory(this.#child.pid)?.own ?? null;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#generator[Symbol.asyncDispose]();
  }
}

/** Resolves when a process has ended in order. */
function endOf(child: ChildProcess): Promise<void> {
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("exit", (code, signal) => {
      if (code === 0) resolve();
      else reject(new Error(signal === null ? `exit code ${code}` : `killed by ${signal}`));
    });
  });
}
