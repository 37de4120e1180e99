/** @file Graphs to programs for one engine: keyed, checked against free memory, kept and disposed of. */
import { print, type Graph, type Parameter } from "../tensor/index.ts";
import type { Binding, Engine } from "../runtime/index.ts";
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

/** Compiles graphs when they are needed and closes what it compiled. */
export class GraphRunner implements AsyncDisposable {
  readonly options: RunnerOptions;
  readonly #programs: ProgramCache;
  constructor(options: RunnerOptions) {
    this.options = options;
    this.#programs = new ProgramCache(options.cacheBytes);
  }

  /** The program of a graph, alive until given back. `what` names it in errors. */
  async borrow(what: string, graph: Graph, { bind, identity }: Weights): Promise<Lease> {
    const { engine, mode, threads } = this.options;
    const setting = [engine.name, engine.version, mode, threads ?? "all", identity];
    // The text itself is the key; long constants stand in it as their SHA-256.
    const key = [...setting, print(graph)].join("\n");
    const { activations, weights } = estimateMemory(graph);
    const bytes = activations * workspace + (mode === "fast" ? weights : 0);
    const compile = async () => {
      await this.#require(what, bytes);
      return engine.compile(graph, { bind, mode, ...(threads === null ? {} : { threads }) });
    };
    return this.#programs.borrow({ key, bytes, compile });
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
