/** @file The loading thread: opens a stage's data and answers with one batch per request. */
import { parentPort } from "node:worker_threads";
import { assert } from "../base/index.ts";
import { loadRecipe } from "./load-recipe.node.ts";
import type { LoaderReply, LoaderTask } from "./loader.node.ts";
import type { Batch } from "./recipe.ts";

const buffersOf = (batch: Batch): ArrayBuffer[] => [
  ...new Set(Object.values(batch).map(({ data }) => data.buffer as ArrayBuffer)),
];

/** Answers requests `{id, step, part}` until the thread is ended. */
export async function serve({ recipe, stage, folder }: LoaderTask): Promise<void> {
  const port = parentPort;
  assert(port, "serve runs in a worker thread");
  const found = (await loadRecipe(recipe)).stages.find(({ name }) => name === stage);
  assert(found, `${recipe} has no stage ${stage}`);
  const opening = found.batches(folder);
  opening.catch(() => undefined);
  port.on("message", ({ id, step, part }: { id: number; step: number; part: number }) => {
    void opening
      .then((batches) => batches(step, part))
      .then(
        (batch) =>
          port.postMessage({ kind: "batch", id, batch } satisfies LoaderReply, buffersOf(batch)),
        (error: unknown) => {
          const message = error instanceof Error ? error.message : String(error);
          port.postMessage({ kind: "failed", id, message } satisfies LoaderReply);
        },
      );
  });
}
