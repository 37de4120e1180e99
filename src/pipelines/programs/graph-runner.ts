/** @file Graphs to programs for one engine: keyed, checked against free memory, kept and disposed of. */
import { print, type Graph, type Parameter } from "../../tensor/index.ts";
import type { Binding, Engine, Precision } from "../../runtime/index.ts";
import { estimateMemory, requireMemory } from "./memory.ts";
import { ProgramCache, type Lease } from "./program-cache.ts";

/** Where a network's weights are, and a name that changes when they do. */
export interface Weights {
  readonly bind: (parameter: Parameter) => Binding;
  readonly identity: string;
}

/** How programs are made and how much of them is kept. */
export interface RunnerOptions {
  readonly engine: Engine;
  /** `lean` leaves weights in their mapped files; `fast` packs them for speed into private memory. */
  readonly mode: "lean" | "fast";
  /** What the engine computes in; f32 when left out. */
  readonly precision?: Precision;
  /** Whether compiled graphs are kept on disk for the next process, where the engine can; `disk` when left out. */
  readonly cache?: "disk" | "none";
  /** Threads within one op; null leaves it to the engine. */
  readonly threads: number | null;
  /** Bytes of living programs; idle ones beyond it are disposed of, the longest unused first. */
  readonly cacheBytes: number;
  /** Free bytes, null where nobody knows. */
  readonly availableMemory: () => Promise<number | null>;
}

/**
 * Normalisations and convolutions have intermediate results of their own, and blocks are rounded up: runs of a UNet and
 * a decoder at 512² and 1024² grew the process by 1.9 to 2.1 times what lives between ops.
 */
const workspace = 2.1;

/** Bytes that a run takes beside the weights. */
export function memoryOfRun(graph: Graph): number {
  return estimateMemory(graph).activations * workspace;
}

/** A program on loan, and what its first run will still take. */
export interface Borrowed extends Lease {
  /** Bytes. */
  readonly pending: number;
}

/** Compiles graphs when they are needed and closes what it compiled. */
export class GraphRunner implements AsyncDisposable {
  readonly options: RunnerOptions;
  readonly #programs: ProgramCache;
  constructor(options: RunnerOptions) {
    this.options = options;
    this.#programs = new ProgramCache(options.cacheBytes);
  }

  /** The program of a graph, alive until given back. `what` names it in errors. */
  async borrow(what: string, graph: Graph, weights: Weights): Promise<Borrowed> {
    const { engine, mode, precision = "f32", cache = "disk", threads } = this.options;
    const { key, bytes, results } = this.#weigh(graph, weights);
    const { bind } = weights;
    const compile = async () => {
      await this.#require(what, bytes);
      const own = threads === null ? {} : { threads };
      return engine.compile(graph, { bind, mode, precision, cache, ...own });
    };
    const lease = await this.#programs.borrow({ key, bytes, compile });
    return { ...lease, pending: lease.fresh ? results : 0 };
  }

  /** Throws unless a graph that will be needed later finds memory beside `pending` bytes that others are about to take. */
  async foresee(
    what: string,
    graph: Graph,
    { weights, pending }: { weights: Weights; pending: number },
  ): Promise<void> {
    const { key, bytes } = this.#weigh(graph, weights);
    if (!this.#programs.has(key)) await this.#require(what, bytes + pending);
  }

  /** A graph's key, the bytes of its program, and those of them that its first run takes. */
  #weigh(graph: Graph, { identity }: Weights): { key: string; bytes: number; results: number } {
    const { engine, mode, precision = "f32", threads } = this.options;
    const setting = [engine.name, engine.version, precision, mode, threads ?? "all", identity];
    // The text itself is the key; long constants stand in it as their SHA-256.
    const key = [...setting, print(graph)].join("\n");
    const { activations, weights } = estimateMemory(graph);
    const results = activations * workspace;
    const packed = precision === "bf16" ? weights / 2 : weights;
    return { key, results, bytes: results + (mode === "fast" ? packed : 0) };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#programs[Symbol.asyncDispose]();
  }

  /** Idle programs go before anything is refused for want of memory. */
  async #require(what: string, bytes: number): Promise<void> {
    const available = await this.options.availableMemory();
    if (available === null || bytes <= available) return;
    await this.#programs.clear();
    requireMemory(what, bytes, await this.options.availableMemory());
  }
}
