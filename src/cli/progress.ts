/** @file Progress of a generation: a bar on a terminal, a few plain lines elsewhere. */
import type { WriteStream } from "node:tty";
import type { SingleBar } from "cli-progress";
import type { GeneratorEvent } from "../service/index.ts";
import { printPath, say } from "./print.ts";

/** Shows events as they come. */
export interface Progress {
  show(event: GeneratorEvent): void;
  /** Prints the path of a picture to stdout without tearing the bar. */
  print(path: string): void;
  end(): void;
}

/** A bar where there is a terminal to draw it on, lines otherwise. */
export async function progressOf(stream: WriteStream): Promise<Progress> {
  if (!stream.isTTY) return new Lines();
  const { default: library } = await import("cli-progress");
  const format = "{bar} {value}/{total}  {speed} a step  {left} left";
  const bar = new library.SingleBar(
    { stream, format, hideCursor: true, clearOnComplete: true, barsize: 24 },
    library.Presets.shades_classic,
  );
  return new Bar(bar);
}

/** Counts calls of the network over all batches. */
class Count {
  #pictures = 0;
  done = 0;
  total = 0;
  #before = 0;
  #last = 0;

  start(pictures: number): void {
    this.#pictures = pictures;
  }

  step({ from, count, step, steps }: Extract<GeneratorEvent, { type: "step" }>): void {
    // Every batch takes as many calls as this one: the last may be smaller, but not shorter.
    if (this.total === 0) this.total = Math.ceil(this.#pictures / count) * steps;
    if (step === 1) this.#before = from === 0 ? 0 : this.#last;
    this.done = this.#before + step;
    this.#last = this.done;
  }
}

/** Seconds for people: 0.42 s, 12 s, 3 min. */
export function showSeconds(seconds: number): string {
  if (seconds >= 90) return `${Math.round(seconds / 60)} min`;
  return `${seconds >= 10 ? Math.round(seconds) : seconds.toFixed(seconds < 1 ? 2 : 1)} s`;
}

class Lines implements Progress {
  readonly #count = new Count();
  #shown = 0;

  show(event: GeneratorEvent): void {
    if (event.type === "started") this.#count.start(event.pictures);
    if (event.type !== "step") return;
    const count = this.#count;
    count.step(event);
    const tenths = Math.floor((10 * count.done) / count.total);
    if (tenths === this.#shown && count.done > 1) return;
    this.#shown = tenths;
    const left = showSeconds(event.seconds * (count.total - count.done));
    const speed = `${showSeconds(event.seconds)} a step`;
    say(`step ${count.done} of ${count.total}, ${speed}, ${left} left`);
  }

  print(path: string): void {
    printPath(path);
  }

  end(): void {
    // Lines leave nothing behind to clear.
  }
}

/** One line drawn over itself. */
class Bar implements Progress {
  readonly #bar: SingleBar;
  readonly #count = new Count();
  #perStep = 0;
  constructor(bar: SingleBar) {
    this.#bar = bar;
  }

  show(event: GeneratorEvent): void {
    if (event.type === "started") this.#count.start(event.pictures);
    if (event.type !== "step") return;
    this.#count.step(event);
    const { done, total } = this.#count;
    // A moving average that forgets: the first step also warms the engine up.
    this.#perStep = this.#perStep === 0 ? event.seconds : 0.7 * this.#perStep + 0.3 * event.seconds;
    const speed = showSeconds(this.#perStep);
    const left = showSeconds(this.#perStep * (total - done));
    if (!this.#bar.isActive) this.#bar.start(total, done, { speed, left });
    this.#bar.update(done, { speed, left });
  }

  print(path: string): void {
    // The bar goes back to where it began when it ends: a line in between would be wiped. The next step starts it anew.
    this.#bar.stop();
    printPath(path);
  }

  end(): void {
    this.#bar.stop();
  }
}
