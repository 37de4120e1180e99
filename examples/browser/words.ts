/** @file All that the page says, in English and Russian. */

const english = {
  title: "limn in a browser",
  lead: "Stable Diffusion in miniature draws right here: no words and no picture leave this page. The model is fetched once, 32 MB.",
  prompt: "What to draw",
  examples: ["a red apple", "a cat", "a house", "a blue car", "a rocket", "a cup of coffee"],
  examplesLabel: "For example",
  seed: "Seed",
  dice: "Another seed",
  device: "Draw on",
  devices: { wasm: "the processor", webgpu: "the graphics card (WebGPU)" },
  draw: "Draw",
  stop: "Stop",
  save: "Save as PNG",
  empty: "Your picture will appear here",
  picture: (prompt: string) => `A picture of: ${prompt}`,
  fetching: (bytes: number) => `Fetching the model: ${(bytes / 1e6).toFixed(1)} MB`,
  opening: "Opening the model…",
  reading: "Reading the words…",
  preparing: "Making the network ready…",
  step: (step: number, steps: number) => `Step ${step} of ${steps}`,
  decoding: "Finishing…",
  done: (seconds: number, seed: number) => `Drawn in ${seconds.toFixed(1)} s from seed ${seed}`,
  stopped: "Stopped",
  failed: (reason: string) => `That did not work: ${reason}`,
  threads: (engine: string, threads: number) =>
    threads > 1 ? `${engine}, ${threads} threads` : `${engine}, one thread`,
  whyOneThread:
    "More threads need an isolated page: HTTPS or localhost, and the headers COOP and COEP",
};

export type Words = typeof english;

const comma = (n: number) => n.toFixed(1).replace(".", ",");

const russian: Words = {
  title: "limn в браузере",
  lead: "Stable Diffusion в миниатюре рисует прямо здесь: ни слова, ни рисунок страницу не покидают. Модель загружается один раз, 32 МБ.",
  prompt: "Что нарисовать",
  examples: ["красное яблоко", "кошка", "дом", "синяя машина", "ракета", "чашка кофе"],
  examplesLabel: "Например",
  seed: "Зерно",
  dice: "Другое зерно",
  device: "Рисует",
  devices: { wasm: "процессор", webgpu: "видеокарта (WebGPU)" },
  draw: "Нарисовать",
  stop: "Остановить",
  save: "Сохранить PNG",
  empty: "Здесь появится рисунок",
  picture: (prompt) => `Рисунок: ${prompt}`,
  fetching: (bytes) => `Загружается модель: ${comma(bytes / 1e6)} МБ`,
  opening: "Открывается модель…",
  reading: "Читаются слова…",
  preparing: "Готовится сеть…",
  step: (step, steps) => `Шаг ${step} из ${steps}`,
  decoding: "Последние штрихи…",
  done: (seconds, seed) => `Нарисовано за ${comma(seconds)} с из зерна ${seed}`,
  stopped: "Остановлено",
  failed: (reason) => `Не получилось: ${reason}`,
  threads: (engine, threads) => `${engine}, потоков: ${threads}`,
  whyOneThread:
    "Больше потоков бывает лишь на изолированной странице: HTTPS или localhost и заголовки COOP и COEP",
};

export const languages = { en: english, ru: russian } as const;
export type Language = keyof typeof languages;

/** The reader's own language, if the page speaks it. */
export function preferred(): Language {
  return navigator.languages.some((tag) => /^ru\b/i.test(tag)) ? "ru" : "en";
}
