/** @file How many threads may be asked for. */
import { availableParallelism } from "node:os";
import { RequestError } from "../base/index.ts";

/** Beyond this many for each processor, threads only wait for each other; ONNX Runtime would start all that it is told. */
const perProcessor = 4;

/** Throws RequestError unless `threads` is a number of threads that this machine has a use for. */
export function checkThreads(threads: number | null | undefined): void {
  if (threads === null || threads === undefined) return;
  const processors = availableParallelism();
  const most = perProcessor * processors;
  if (Number.isSafeInteger(threads) && threads >= 1 && threads <= most) return;
  const machine = processors === 1 ? "1 processor" : `${processors} processors`;
  throw new RequestError(
    "threads",
    `must be a whole number from 1 to ${most}, for this machine has ${machine}, got ${threads}`,
    { hint: "left out, it is the number of processor cores" },
  );
}
