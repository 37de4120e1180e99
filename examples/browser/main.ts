/** @file The page: words in, a picture out. The model lives in a worker; this thread only shows what happens. */
import asyncifyMjs from "onnxruntime-web/ort-wasm-simd-threaded.asyncify.mjs?url";
import asyncifyWasm from "onnxruntime-web/ort-wasm-simd-threaded.asyncify.wasm?url";
import plainMjs from "onnxruntime-web/ort-wasm-simd-threaded.mjs?url";
import plainWasm from "onnxruntime-web/ort-wasm-simd-threaded.wasm?url";
import { openPainter, type Painter, type PainterEvent } from "limn/pipelines";
import { defaultThreads } from "limn/runtime";
import { languages, preferred, type Language } from "./words.ts";

/** ONNX Runtime's own files, which Vite puts where the page can fetch them. */
const engineFiles = {
  wasm: { wasm: plainWasm, mjs: plainMjs },
  webgpu: { wasm: asyncifyWasm, mjs: asyncifyMjs },
};
type Device = keyof typeof engineFiles;
/** `?threads=N` in the address is for whoever measures. */
const asked = Number(new URLSearchParams(location.search).get("threads"));
/** Threads need a page that is cross-origin isolated. */
const threads = crossOriginIsolated ? asked || defaultThreads(navigator.hardwareConcurrency) : 1;
/** Unfinished pictures shown on the way; each costs about as much as a step. */
const previews = 4;

function element<T extends HTMLElement>(id: string): T {
  const found = document.getElementById(id);
  if (!found) throw new Error(`the page has no #${id}`);
  return found as T; // index.html says which it is
}

const form = element<HTMLFormElement>("form");
const prompt = element<HTMLInputElement>("prompt");
const seed = element<HTMLInputElement>("seed");
const device = element<HTMLSelectElement>("device");
const [draw, stop] = [element<HTMLButtonElement>("draw"), element<HTMLButtonElement>("stop")];
const progress = element<HTMLProgressElement>("progress");
const [status, engine, caption] = ["status", "engine", "caption"].map((id) => element(id));
const canvas = element<HTMLCanvasElement>("picture");
const save = element<HTMLAnchorElement>("save");

let language: Language = preferred();
let words = languages[language];
/** How the status line is said, so that it can be said again in another language. */
let say: () => string = () => "";
/** The same for the line that names the engine. */
let sayEngine: () => string = () => "";

function tell(how: () => string, { bad = false } = {}): void {
  say = how;
  status.textContent = how();
  status.toggleAttribute("data-bad", bad);
}

function speak(next: Language): void {
  const untouched = prompt.value === "" || prompt.value === words.examples[0];
  [language, words] = [next, languages[next]];
  document.documentElement.lang = language;
  document.title = words.title;
  for (const node of document.querySelectorAll<HTMLElement>("[data-word]")) {
    const word = words[node.dataset.word as keyof typeof words];
    if (typeof word === "string") node.textContent = word;
  }
  for (const option of device.options) option.textContent = words.devices[option.value as Device];
  for (const button of document.querySelectorAll<HTMLElement>("[data-language]"))
    button.ariaPressed = String(button.dataset.language === language);
  element("dice").ariaLabel = element("dice").title = words.dice;
  if (untouched) prompt.value = words.examples[0];
  const chips = words.examples.map((example) => {
    const chip = document.createElement("button");
    chip.type = "button";
    chip.textContent = example;
    chip.onclick = () => (prompt.value = example);
    return chip;
  });
  const list = element("examples");
  list.ariaLabel = words.examplesLabel;
  list.replaceChildren(...chips);
  status.textContent = say();
  engine.textContent = sayEngine();
}

type Shown = Extract<PainterEvent, { type: "step" }>["preview"] & object;

function show([image]: Shown): void {
  const { width, height, data } = image;
  const pixels = new ImageData(width, height);
  for (let i = 0; i < width * height; i++) {
    pixels.data.set(data.subarray(3 * i, 3 * i + 3), 4 * i);
    pixels.data[4 * i + 3] = 255;
  }
  [canvas.width, canvas.height] = [width, height];
  canvas.getContext("2d")?.putImageData(pixels, 0, 0);
}

const painters = new Map<Device, Promise<Painter>>();

/** A model for each device, opened when it is first wanted, and again after its worker failed. */
async function painterOn(wanted: Device): Promise<Painter> {
  const open = async () => {
    const worker = new Worker(new URL("./worker.ts", import.meta.url), { type: "module" });
    const fetched = new Map<string, number>();
    tell(() => words.opening);
    return openPainter(worker, "emblem/", {
      device: wanted,
      threads,
      files: engineFiles[wanted],
      onDownload: ({ url, loaded, total }) => {
        fetched.set(url, loaded);
        const bytes = [...fetched.values()].reduce((sum, each) => sum + each);
        progress.value = loaded / total;
        tell(() => words.fetching(bytes));
      },
    });
  };
  const known = await painters.get(wanted);
  if (known?.failure === null) return known;
  const painter = open();
  painters.set(wanted, painter);
  painter.catch(() => painters.delete(wanted));
  return painter;
}

function follow(event: PainterEvent): void {
  if (event.type === "encoded") tell(() => words.preparing);
  if (event.type === "decoding") tell(() => words.decoding);
  if (event.type !== "step") return;
  progress.value = event.step / event.steps;
  tell(() => words.step(event.step, event.steps));
  if (event.preview) show(event.preview);
}

async function paint(signal: AbortSignal): Promise<void> {
  const started = performance.now();
  const request = { prompt: prompt.value, seed: Number(seed.value) };
  const painter = await painterOn(device.value as Device);
  const { name, version } = painter.model.engine;
  sayEngine = () => {
    const line = words.threads(`ONNX Runtime ${version} · ${name}`, threads);
    return name !== "wasm" || crossOriginIsolated ? line : `${line}. ${words.whyOneThread}`;
  };
  engine.textContent = sayEngine();
  signal.throwIfAborted();
  tell(() => words.reading);
  caption.removeAttribute("data-word");
  caption.textContent = request.prompt;
  canvas.ariaLabel = words.picture(request.prompt);
  canvas.getContext("2d")?.clearRect(0, 0, canvas.width, canvas.height);
  save.hidden = true;
  canvas.scrollIntoView({ block: "nearest", behavior: "smooth" });
  const run = painter.draw(request, { previews, signal });
  for (;;) {
    const next = await run.next();
    if (!next.done) {
      follow(next.value);
      continue;
    }
    show(next.value.images);
    const seconds = (performance.now() - started) / 1000;
    tell(() => words.done(seconds, request.seed));
    // For whoever measures: the numbers behind the picture.
    dispatchEvent(new CustomEvent("drawn", { detail: { ...next.value, seconds } }));
    return offer(request);
  }
}

function offer(request: { prompt: string; seed: number }): void {
  canvas.toBlob((blob) => {
    if (!blob) return;
    URL.revokeObjectURL(save.href);
    save.href = URL.createObjectURL(blob);
    save.download = `${request.prompt.replace(/[^\p{L}\p{N}]+/gu, "-")}-${request.seed}.png`;
    save.hidden = false;
  });
}

/** An error of limn says what to do, too. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { hint } = error as { hint?: string };
  return hint === undefined ? error.message : `${error.message}; ${hint}`;
}

let current: AbortController | null = null;

async function start(): Promise<void> {
  current = new AbortController();
  const { signal } = current;
  draw.disabled = true;
  [stop.hidden, progress.hidden, progress.value] = [false, false, 0];
  try {
    await paint(signal);
  } catch (error) {
    const reason = reasonOf(error);
    if (signal.aborted) tell(() => words.stopped);
    else tell(() => words.failed(reason), { bad: true });
  } finally {
    draw.disabled = false;
    [stop.hidden, progress.hidden] = [true, true];
    current = null;
  }
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  if (!current) void start();
});
stop.onclick = () => current?.abort();
element("dice").onclick = () =>
  (seed.value = String(crypto.getRandomValues(new Uint32Array(1))[0] % 1_000_000));
for (const button of document.querySelectorAll<HTMLElement>("[data-language]"))
  button.onclick = () => speak(button.dataset.language as Language);

speak(language);
const gpu = (navigator as { gpu?: { requestAdapter(): Promise<object | null> } }).gpu;
void gpu?.requestAdapter().then((adapter) => {
  element("device-field").hidden = adapter === null;
});
