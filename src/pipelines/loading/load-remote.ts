/** @file Model folders behind URLs to models that draw, in a browser. */
import { openRemoteFolder } from "../../checkpoints/index.ts";
import {
  fileStore,
  folderUrl,
  noStore,
  RemoteFiles,
  type Download,
  type Fetch,
  type FileStore,
  type StoreDirectory,
} from "../../formats/index.ts";
import {
  webEngine,
  type Engine,
  type ReadRegion,
  type WebEngineOptions,
} from "../../runtime/index.ts";
import {
  assemblePixelDiffusion,
  assembleStableDiffusion,
  filesOf,
  versionsOf,
  type Located,
  type OpenedModel,
} from "./assemble.ts";
import { GraphRunner } from "../programs/graph-runner.ts";
import type { PixelDiffusion } from "../pixel-diffusion.ts";
import { parseRecommendations } from "../recommendations.ts";
import type { StableDiffusion } from "../stable-diffusion.ts";
import { readTokenizerFrom } from "./tokenizer-files.ts";

/** How a model is fetched and run. All of it has a default. */
export interface LoadOptions extends Omit<WebEngineOptions, "read"> {
  /** Another engine than ONNX Runtime for browsers; it is told how to reach weights. */
  readonly engine?: (read: ReadRegion) => Promise<Engine>;
  /** `fast` (the default) packs weights for speed, `lean` leaves them as they are. */
  readonly mode?: "lean" | "fast";
  /** Bytes that idle programs may hold; 2 GiB when left out. */
  readonly cacheBytes?: number;
  /** Bytes of weights kept in the browser between visits; 4 GiB when left out, 0 keeps none. */
  readonly keepBytes?: number;
  /** Another place to keep weights in. */
  readonly store?: FileStore;
  readonly fetch?: Fetch;
  /** Hears of weights as they come over the network. */
  readonly onDownload?: (download: Download) => void;
}

/**
 * Opens a Stable Diffusion 1, 2 or XL folder in the layout of diffusers at a URL, and its `limn.json`. Weights are fetched
 * when they are first needed. Meant for a worker, since drawing blocks its thread.
 */
export async function load(folder: string, options: LoadOptions = {}): Promise<StableDiffusion> {
  const { opened, runner } = await open(folder, options);
  return assembleStableDiffusion(opened, runner);
}

/** Opens a folder of a UNet2DModel and a scheduler, such as DDPM's, at a URL. */
export async function loadUnconditional(
  folder: string,
  options: LoadOptions = {},
): Promise<PixelDiffusion> {
  const { opened, runner } = await open(folder, options);
  return assemblePixelDiffusion(opened, runner);
}

async function open(
  address: string,
  options: LoadOptions,
): Promise<{ opened: OpenedModel; runner: GraphRunner }> {
  const { location } = globalThis as { location?: { href: string } };
  const url = folderUrl(address, location?.href);
  const { fetch, onDownload, keepBytes = 2 ** 32, store = await browserStore(keepBytes) } = options;
  const files = new RemoteFiles({
    store,
    ...(fetch ? { fetch } : {}),
    ...(onDownload ? { onDownload } : {}),
  });
  const [opened, runner] = await Promise.all([openModel(url, files), runnerOf(files, options)]);
  return { opened, runner };
}

async function openModel(url: string, files: RemoteFiles): Promise<OpenedModel> {
  const about = `${url}limn.json`;
  const [folder, text] = await Promise.all([openRemoteFolder(url, { files }), files.text(about)]);
  const versions = await versionsOf(folder, (file) => files.version(file));
  const join = (place: string, name: string) => `${place}/${name}`;
  return {
    name: decodeURIComponent(new URL(url).pathname.split("/").at(-2) ?? url),
    folder,
    recommendations: parseRecommendations(text, about),
    readTokenizer: (place) => readTokenizerFrom(place, { join, text: (path) => files.text(path) }),
    identify: (located: Located) =>
      filesOf(located)
        .map((file) => versions.get(file))
        .join("\n"),
  };
}

async function runnerOf(files: RemoteFiles, options: LoadOptions): Promise<GraphRunner> {
  const { engine = (read) => webEngine({ ...options, read }), mode = "fast" } = options;
  return new GraphRunner({
    engine: await engine((file, offset, length) => files.read(file, offset, length)),
    mode,
    threads: null, // the engine was told
    cacheBytes: options.cacheBytes ?? 2 ** 31,
    availableMemory: () => Promise.resolve(null), // no browser tells
  });
}

/** What is used of a directory in which others can be. */
type Root = StoreDirectory & {
  getDirectoryHandle(name: string, options: { create: true }): Promise<StoreDirectory>;
};

/** The browser's own file system, where it has one and lets this page write there. */
async function browserStore(maxBytes: number): Promise<FileStore> {
  const { navigator } = globalThis as {
    navigator?: { storage?: { getDirectory?(): Promise<Root> } };
  };
  if (maxBytes === 0 || !navigator?.storage?.getDirectory) return noStore;
  try {
    const root = await navigator.storage.getDirectory();
    return fileStore(await root.getDirectoryHandle("limn-weights", { create: true }), { maxBytes });
  } catch {
    return noStore;
  }
}
