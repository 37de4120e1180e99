/** @file The page of examples/browser draws in Chromium what limn draws in Node.js, and stays free meanwhile. */
import type { Browser, BrowserContext, Page } from "playwright-core";
import { createServer, type ViteDevServer } from "vite";
import { afterAll, beforeAll, expect, test } from "vitest";
import { finish, load, textToImage } from "../src/pipelines/index.ts";
import { buildIfStale } from "./reference/built-cli.ts";
import { describeChromium } from "./reference/chromium.ts";

/** What a page in a test has of its own; the functions below run there. */
interface PageWindow {
  gaps: number[];
  drawn: Promise<{ latents: number[]; shape: number[]; seconds: number }>;
  addEventListener(type: "drawn", listener: (event: { detail: Drawn }) => void): void;
}
interface Drawn {
  readonly latents: { readonly data: Float32Array; readonly shape: readonly number[] };
  readonly seconds: number;
}

/** Notes the time between turns of the page's own thread, and waits for the next picture. */
function watch(): void {
  const page = globalThis as unknown as PageWindow;
  page.gaps = [];
  let last = performance.now();
  const turn = () => {
    const now = performance.now();
    page.gaps.push(now - last);
    last = now;
    setTimeout(turn);
  };
  turn();
  page.drawn = new Promise((resolve) =>
    page.addEventListener("drawn", ({ detail: { latents, seconds } }) =>
      resolve({ latents: [...latents.data], shape: [...latents.shape], seconds }),
    ),
  );
}

const inPage = {
  drawn: () => (globalThis as unknown as PageWindow).drawn,
  gaps: () => {
    const { gaps } = globalThis as unknown as PageWindow;
    return { turns: gaps.length, longest: Math.max(...gaps) };
  },
  isolated: () => (globalThis as unknown as { crossOriginIsolated: boolean }).crossOriginIsolated,
};

describeChromium("examples/browser in Chromium", (launch) => {
  let server: ViteDevServer;
  let browser: Browser;
  let context: BrowserContext;
  beforeAll(async () => {
    buildIfStale(); // the page is made of dist/, as others' pages are
    server = await createServer({
      configFile: "examples/browser/vite.config.ts",
      logLevel: "silent",
      server: { port: 0, host: "127.0.0.1" },
    });
    await server.listen();
    browser = await launch();
    context = await browser.newContext({ locale: "en" });
  }, 120_000);
  afterAll(async () => {
    await browser?.close();
    await server?.close();
  });

  async function open(search = ""): Promise<{ page: Page; requested: string[] }> {
    const page = await context.newPage();
    const requested: string[] = [];
    page.on("request", (request) => requested.push(request.url()));
    await page.goto(`${server.resolvedUrls?.local[0]}${search}`);
    return { page, requested };
  }

  test("a red apple, with the latents of Node.js", async () => {
    const { page } = await open();
    expect(await page.evaluate(inPage.isolated)).toBe(true);
    await page.evaluate(watch);
    await page.fill("#prompt", "a red apple");
    await page.fill("#seed", "1");
    await page.click("#draw");
    const { latents, shape, seconds } = await page.evaluate(inPage.drawn);
    const { longest: gap, turns } = await page.evaluate(inPage.gaps);
    process.stderr.write(
      `a red apple in a page: ${seconds.toFixed(1)} s, its own thread held for ${gap.toFixed(0)} ms at most in ${turns} turns\n`,
    );
    expect(await page.textContent("#status")).toMatch(/^Drawn in \d+\.\d s from seed 1$/);

    await using model = await load("models/emblem");
    const request = { prompt: "a red apple", seed: 1 };
    const wanted = (await finish(textToImage(model, request))).latents;
    expect(shape).toEqual(wanted.shape);
    const off = latents.map((x, i) => Math.abs(x - wanted.data[i]));
    // Both are f32 in another order of adding; 1e-5 was seen.
    expect(Math.max(...off)).toBeLessThan(1e-4);
    // Times are told, not demanded: other work on the machine multiplies them. A network that ran on the page's own thread
    // would leave it a turn or two after each of the 20 steps.
    expect(page.workers()).not.toEqual([]);
    expect(turns).toBeGreaterThan(100);
    await page.close();
  }, 120_000);

  test("the second visit fetches no weights; with two threads, and in Russian", async () => {
    const { page, requested } = await open("?threads=2");
    await page.click("[data-language=ru]");
    await page.evaluate(watch);
    await page.fill("#prompt", "красное яблоко");
    await page.click("#draw");
    await page.evaluate(inPage.drawn);
    expect(await page.textContent("#status")).toMatch(/^Нарисовано за \d+,\d с из зерна 1$/);
    expect(await page.textContent("#engine")).toMatch(/wasm, потоков: 2$/);
    expect(await page.getAttribute("html", "lang")).toBe("ru");
    const weights = requested.filter((url) => url.endsWith(".safetensors"));
    expect(weights).toHaveLength(3); // the three headers, by range
    await page.close();
  }, 120_000);

  test("a drawing that is stopped says so, and another one follows", async () => {
    const { page } = await open();
    await page.click("#draw");
    await page.waitForFunction(
      'document.querySelector("#status").textContent.startsWith("Step 2")',
    );
    await page.click("#stop");
    await page.waitForFunction('document.querySelector("#status").textContent === "Stopped"');
    await page.evaluate(watch);
    await page.click("#draw");
    expect((await page.evaluate(inPage.drawn)).shape).toEqual([1, 8, 16, 16]);
    await page.close();
  }, 120_000);
});
