/** @file Tells at the end of a run which tests were skipped, counted by reason: what is not seen is not known to work. */
import type { Reporter, TestCase, TestModule, TestSuite, Vitest } from "vitest/node";

/** Prints the reasons after the tests; hands them to `print` in one piece. */
export class SkippedTests implements Reporter {
  readonly #print: (text: string) => void;
  /** Whether some tests were chosen by name: then all others count as skipped, for no reason of theirs. */
  #chosen = false;

  constructor(print: (text: string) => void = (text) => void process.stdout.write(text)) {
    this.#print = print;
  }

  onInit({ config }: Vitest): void {
    this.#chosen = config.testNamePattern !== undefined;
  }

  onTestRunEnd(modules: readonly TestModule[]): void {
    const counts = new Map<string, number>();
    for (const module of modules)
      for (const test of module.children.allTests("skipped")) {
        const reason = reasonOf(test);
        counts.set(reason, (counts.get(reason) ?? 0) + 1);
      }
    if (counts.size === 0 || this.#chosen) return;
    const total = [...counts.values()].reduce((sum, count) => sum + count, 0);
    const lines = [...counts].map(([reason, count]) => `  ${count}: ${reason}`);
    this.#print(`${[`${total} tests skipped`, ...lines].join("\n")}\n\n`);
  }
}

/** What the test said itself; else the name of the outermost suite that is skipped, which carries the reason; else its own name. */
function reasonOf(test: TestCase): string {
  const result = test.result();
  if (result.state === "skipped" && result.note) return result.note;
  let reason = `${test.module.relativeModuleId}: ${test.name}`;
  for (let at: TestSuite | TestModule = test.parent; at.type === "suite"; at = at.parent)
    if (at.options.mode === "skip") reason = `${test.module.relativeModuleId}: ${at.name}`;
  return reason;
}
