/** @file A Chromium for tests of pages, where this machine has one. */
import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";
import { chromium, type Browser } from "playwright-core";
import { describe } from "vitest";

const names = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];

/** The browser's program: what CHROMIUM names, or the first of the usual names on the path. */
function findChromium(): string | null {
  const { CHROMIUM: own, PATH: path = "" } = process.env;
  const candidates = path
    .split(delimiter)
    .flatMap((folder) => names.map((name) => join(folder, name)));
  const found = (own ? [own] : candidates).find((file) => {
    try {
      accessSync(file, constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
  return found ?? null;
}

/** Starts it without a window. */
export type Launch = (options?: { flags?: readonly string[] }) => Promise<Browser>;

/** Adds a suite that needs a browser; where there is none its tests are skipped, and the reason is told. */
export function describeChromium(what: string, suite: (launch: Launch) => void): void {
  const program = findChromium();
  const launch: Launch = ({ flags = [] } = {}) =>
    chromium.launch({
      executablePath: program ?? "",
      // Without a sandbox: containers allow none, and the pages are the project's own.
      args: ["--no-sandbox", ...flags],
    });
  if (program !== null) return void describe(what, () => suite(launch));
  const reason = "no Chromium on the path, and CHROMIUM names none";
  process.stderr.write(`skipped: ${what}: ${reason}\n`);
  describe.skip(`${what} (${reason})`, () => suite(launch));
}
