/**
 * @file OpenVINO's compiled models, kept on disk. A model that is compiled from a file is found again by that file's place, size
 * and time alone, without being read: so the file stays, while the weights beside it are needed only to compile it.
 */
import { createHash } from "node:crypto";
import { readdir, unlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { assert, dtypeBytes, EngineError } from "../../base/index.ts";
import { identityOf } from "../../formats/index.ts";
import type { Graph, Tensor } from "../../tensor/index.ts";
import { cacheKey, openCompiled, passingEnd, type CompiledPlace } from "../cache/compiled.node.ts";
import { cpuFeatures } from "../cpu-features.node.ts";
import type { CompileOptions } from "../engine.ts";
import { lowerGraph, type LoweredModel } from "../lowering/model.ts";
import type { Compiled, OpenVinoApi, Properties } from "./api.node.ts";
import { openVinoKernels } from "./kernels.ts";
import { bringWeights } from "./weights.node.ts";

/** Beside the weights, which are most of it, a compiled model holds its graph. */
const besideWeights = 16e6;

/** How a graph is lowered for one compilation. */
export interface Lowering {
  readonly bind: CompileOptions["bind"];
  /** Tensors that are computed elsewhere, and the names of the inputs that bring them. */
  readonly given: ReadonlyMap<Tensor, string>;
}

/** A compiled model that came from the disk or went there; null where it must be compiled without. */
export async function compileCached(
  api: OpenVinoApi,
  graph: Graph,
  { bind, given, properties }: Lowering & { properties: Properties },
): Promise<{ compiled: Compiled; lowered: LoweredModel } | null> {
  const bindings = graph.parameters.map(bind);
  const files = bindings.flatMap((binding) => (binding.kind === "file" ? [binding.file] : []));
  const names = await namesOf(files);
  const lowered = lowerGraph(graph, {
    ...{ bind, given, kernels: openVinoKernels },
    locate: (file) => names.get(file)?.name ?? file,
  });
  // The bytes tell the graph, its lowering, and by their names the weights.
  const settings = JSON.stringify([api.found.version, properties, cpuFeatures(), process.arch]);
  const key = cacheKey([settings, lowered.bytes]);
  const place = await openCompiled(key, bytesOf(graph, bind) + besideWeights);
  if (place === null) return null;
  try {
    const compiled = await (place.state === "whole" ? take : fill)(api, {
      ...{ place, lowered, properties },
      weights: [...names.values()],
    });
    // OpenVINO says nothing where it could not write, and takes away what it began.
    const isThere = (await readdir(place.folder).catch(() => [])).some((name) =>
      name.endsWith(".blob"),
    );
    await (isThere ? place.keep() : place.discard());
    return { compiled, lowered };
  } catch (error) {
    await place.discard();
    if (error instanceof EngineError || (error instanceof Error && "syscall" in error)) return null;
    throw error;
  }
}

interface Work {
  readonly place: CompiledPlace;
  readonly lowered: LoweredModel;
  readonly properties: Properties;
  readonly weights: readonly WeightFile[];
}

const modelIn = ({ place }: Work) => join(place.folder, "model.onnx");
const caching = ({ place, properties }: Work): Properties => ({
  ...properties,
  CACHE_DIR: place.folder,
});

async function take(api: OpenVinoApi, work: Work): Promise<Compiled> {
  const compiled = await api.compileFile(modelIn(work), caching(work));
  try {
    if (api.cameFromCache(compiled)) return compiled;
    // What was written beside the old one was written without a lock.
    throw new EngineError(`${work.place.folder} holds no compiled model that OpenVINO takes`);
  } catch (error) {
    api.release(compiled);
    throw error;
  }
}

async function fill(api: OpenVinoApi, work: Work): Promise<Compiled> {
  const { place, lowered, weights } = work;
  await writeFile(modelIn(work), lowered.bytes, { flag: "wx" });
  const seconds = weights.map(({ name }) => join(place.folder, name));
  for (const [i, { file }] of weights.entries()) await bringWeights(file, seconds[i]);
  const compiled = await api.compileFile(modelIn(work), caching(work));
  // Some systems keep the name of a mapped file: pruning removes it once it is not mapped any more.
  for (const path of seconds) await unlink(path).catch(() => undefined);
  return compiled;
}

/** A weight file and what a model calls it. */
interface WeightFile {
  readonly file: string;
  readonly name: string;
}

/** Names by which a model knows its weight files: other contents, another name. */
async function namesOf(files: readonly string[]): Promise<ReadonlyMap<string, WeightFile>> {
  const names = new Map<string, WeightFile>();
  for (const given of new Set(files)) {
    const { path, version } = await identityOf(given);
    const hash = createHash("sha256").update(`${path}\n${version}`);
    names.set(given, { file: path, name: `${hash.digest("hex").slice(0, 32)}${passingEnd}` });
  }
  return names;
}

/** Bytes of all that is compiled in. */
function bytesOf(graph: Graph, bind: CompileOptions["bind"]): number {
  const sizes = graph.parameters.map((parameter) =>
    bind(parameter).kind === "input" ? 0 : parameter.size * dtypeBytes[parameter.dtype],
  );
  const bytes = sizes.reduce((sum, size) => sum + size, 0);
  assert(Number.isFinite(bytes), "the size of weights");
  return bytes;
}
