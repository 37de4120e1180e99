/** @file A thread that helps to compute loops. */
import { parentPort } from "node:worker_threads";
import { assert } from "../../base/index.ts";
import type { SharedMemory } from "./memory.ts";
import { Hand, type Round } from "./stretch.ts";

/** What the thread is told when it starts. */
export interface TeamTask {
  readonly memory: SharedMemory;
  readonly taken: Int32Array;
  readonly thread: number;
}

/** Says that it is there, then answers every round with the sums of what it computed. */
export function serve({ memory, taken, thread }: TeamTask): void {
  const port = parentPort;
  assert(port, "serve runs in a worker thread");
  const hand = new Hand(memory, taken, thread);
  port.on("message", ({ codes, stretches }: Round) => {
    hand.learn(codes);
    const work = hand.work(stretches);
    let turn = work.next();
    while (!turn.done) turn = work.next();
    port.postMessage(turn.value);
  });
  port.postMessage("ready");
}
