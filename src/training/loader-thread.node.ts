/** @file The loading thread: opens a stage's data and answers with one batch per request. */
import { parentPort } from "node:worker_threads";
import { assert, LimnError } from "../base/index.ts";
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

function failureOf(
  thrown: unknown,
  recipe: string,
): { code: string; message: string; hint?: string } {
  const error = explainRecipe(thrown, recipe);
  const { code, hint } = error instanceof LimnError ? error : { code: "data", hint: undefined };
  const message = error instanceof Error ? error.message : String(error);
  return { code, message, ...(hint === undefined ? {} : { hint }) };
}

/** Answers requests until it is told to close; then it finishes what it makes and ends the thread. */
export function serve(task: LoaderTask): void {
  const port = parentPort;
  assert(port, "serve runs in a worker thread");
  const reply = (message: LoaderReply, buffers: ArrayBuffer[] = []) =>
    port.postMessage(message, buffers);
  const opening = open(task);
  // One after another, so that the batch that is needed first is ready first.
  let last: Promise<unknown> = opening.catch(() => undefined);
  let closing = false;
  const answer = async (id: number, step: number, part: number) => {
    if (closing) return;
    try {
      const { batch, buffers } = copyOf(await (await opening)(step, part));
      reply({ kind: "batch", id, batch }, buffers);
    } catch (error) {
      reply({ kind: "failed", id, ...failureOf(error, task.recipe) });
    }
  };
  port.on("message", (request: LoaderRequest) => {
    if (request.kind === "close") {
      closing = true;
      // Ended from within and between two batches: a thread killed inside native code takes the process along.
      last = last.then(() => process.exit(0));
    } else last = last.then(() => answer(request.id, request.step, request.part));
  });
}
