/** @file How fast a training goes and how long it will still take. */

/** One step's time, and what it means for the rest. */
export interface Measured {
  readonly seconds: number;
  readonly samplesPerSecond: number;
  readonly secondsLeft: number;
}

/** Share that a mean keeps at each step: it looks back about fifty. */
const keep = 0.98;

/** Averages over the last steps, checkpoints and sample pictures included, for they will come again. */
export class Pace {
  #seconds = 0;
  #samples = 0;
  #weight = 0;
  #count = 0;

  /** Notes a step of so many seconds and pictures, `left` steps before the end. */
  add(seconds: number, samples: number, left: number): Measured {
    // The first step also compiles and opens the data: it is forgotten once there is a second.
    const share = this.#count === 1 ? 0 : keep;
    this.#count += 1;
    this.#seconds = share * this.#seconds + seconds;
    this.#samples = share * this.#samples + samples;
    this.#weight = share * this.#weight + 1;
    return {
      seconds,
      samplesPerSecond: this.#seconds > 0 ? this.#samples / this.#seconds : 0,
      secondsLeft: (this.#seconds / this.#weight) * left,
    };
  }
}
