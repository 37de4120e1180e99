/** @file The loading thread: opens a stage's data and answers with one batch per request. */
import { parentPort } from "node:worker_threads";
import { assert, JobQueue, LimnError } from "../base/index.ts";
import { explainRecipe } from "./explain.node.ts";
import { loadRecipe } from "./load-recipe.node.ts";
import type { LoaderReply, LoaderRequest, LoaderTask } from "./loader.node.ts";
import type { Batch, Batches } from "./recipe.ts";

/** A copy whose arrays may be given away: the stage may show the same numbers again. */
function copyOf(batch: Batch): { batch: Batch; buffers: ArrayBuffer[] } {
  const entries = Object.entries(batch).map(
    ([name, value]) => [name, { ...value, data: value.data.slice() }] as const,
  );
  return {
    batch: Object.fromEntries(entries),
    buffers: entries.map(([, { data }]) => data.buffer),
  };
}

async function open({ recipe, stage, folder }: LoaderTask): Promise<Batches> {
  const found = (await loadRecipe(recipe)).stages.find(({ name }) => name === stage);
  assert(found, `${recipe} has no stage ${stage}`);
  return found.batches(folder);
}

/** What the recipe threw, with its place; limn's own errors keep their class. */
function failureOf(thrown: unknown, recipe: string): unknown {
  const error = explainRecipe(thrown, recipe);
  if (error instanceof LimnError) return error;
  return new LimnError("data", error instanceof Error ? error.message : String(error));
}

/** Answers requests until it is told to close; then it finishes what it makes and ends the thread. */
export function serve(task: LoaderTask): void {
  const port = parentPort;
  assert(port, "serve runs in a worker thread");
  const reply = (message: LoaderReply, buffers: ArrayBuffer[] = []) =>
    port.postMessage(message, buffers);
  const opening = open(task);
  opening.catch(() => undefined); // whoever asks for a batch hears of it
  // One after another, so that the batch that is needed first is ready first.
  const jobs = new JobQueue();
  port.on("message", (request: LoaderRequest) => {
    // Ended from within and between two batches: a thread killed inside native code takes the process along.
    if (request.kind === "close") return void jobs.close().then(() => process.exit(0));
    const { id, step, part } = request;
    const make = async () => {
      try {
        const { batch, buffers } = copyOf(await (await opening)(step, part));
        reply({ kind: "batch", id, batch }, buffers);
      } catch (error) {
        throw failureOf(error, task.recipe);
      }
    };
    jobs.add(id, make, (how) => {
      if (how.type === "failed") reply({ kind: "failed", id, error: how.error });
    });
  });
}
