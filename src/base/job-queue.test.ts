/** @file Order, cancelling and failing of a worker's jobs. */
import { expect, test } from "vitest";
import { WeightError } from "./errors.ts";
import { JobQueue, type Stopped } from "./job-queue.ts";

/** A queue, what happened to its jobs, and the ends of those that wait to be ended. */
function recorded() {
  const queue = new JobQueue();
  const words: string[] = [];
  const ends = new Map<number, (error?: Error) => void>();
  const stopped = (id: number) => (how: Stopped) =>
    void words.push(how.type === "failed" ? `${id} ${how.error.message}` : `${id} ${how.type}`);
  const add = (id: number) =>
    queue.add(
      id,
      async (signal) => {
        words.push(`${id} begins`);
        await new Promise<void>((resolve, reject) => {
          ends.set(id, (error) => (error ? reject(error) : resolve()));
          signal.addEventListener("abort", () => reject(signal.reason as Error));
        });
        words.push(`${id} done`);
      },
      stopped(id),
    );
  const turn = () => new Promise((resolve) => setTimeout(resolve));
  return { queue, words, ends, add, turn };
}

test("jobs are done one by one, and one that fails harms no other", async () => {
  const { words, ends, add, turn } = recorded();
  for (const id of [1, 2, 3]) add(id);
  await turn();
  expect(words).toEqual(["1 begins"]);
  ends.get(1)?.();
  await turn();
  ends.get(2)?.(new WeightError("torn"));
  await turn();
  ends.get(3)?.();
  await turn();
  expect(words).toEqual(["1 begins", "1 done", "2 begins", "2 torn", "3 begins", "3 done"]);
});

test("one is cancelled alone, before its turn without beginning", async () => {
  const { queue, words, ends, add, turn } = recorded();
  for (const id of [1, 2, 3]) add(id);
  await turn();
  queue.cancel(2);
  queue.cancel(1);
  queue.cancel(4); // nobody's
  await turn();
  ends.get(3)?.();
  await turn();
  queue.cancel(3); // over
  expect(words).toEqual(["1 begins", "1 cancelled", "2 cancelled", "3 begins", "3 done"]);
});

test("closing cancels all and waits for the last", async () => {
  const { queue, words, add, turn } = recorded();
  for (const id of [1, 2]) add(id);
  await turn();
  await queue.close();
  expect(words).toEqual(["1 begins", "1 cancelled", "2 cancelled"]);
});
