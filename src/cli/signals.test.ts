/** @file What a signal does to something that does not listen. */
import { afterEach, expect, test, vi } from "vitest";
import { Interrupted } from "./errors.ts";
import { interruptible } from "./signals.ts";

afterEach(() => vi.restoreAllMocks());

test("what gives no answer to the first signal is killed by it after a while", async () => {
  const kill = vi.spyOn(process, "kill").mockImplementation(() => true);
  vi.spyOn(process, "removeAllListeners").mockImplementation(() => process);
  const said = vi.spyOn(console, "error").mockImplementation(() => undefined);
  let end = () => {};
  const run = () => new Promise<void>((resolve) => (end = resolve));
  const running = interruptible(run, { onInterrupt: () => undefined, patience: () => 0.05 });
  process.emit("SIGTERM");
  expect(kill).not.toHaveBeenCalled();
  await vi.waitFor(() => expect(kill).toHaveBeenCalledWith(process.pid, "SIGTERM"));
  expect(said).toHaveBeenCalledWith("limn: it does not stop within 0.05 s; killed");
  end();
  await expect(running).rejects.toEqual(new Interrupted(143));
});

test("what answers is left alone", async () => {
  const kill = vi.spyOn(process, "kill").mockImplementation(() => true);
  const run = (signal: AbortSignal) =>
    new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve()));
  const running = interruptible(run, { onInterrupt: () => undefined, patience: () => 0.02 });
  process.emit("SIGINT");
  await expect(running).rejects.toEqual(new Interrupted(130));
  await new Promise((resolve) => setTimeout(resolve, 60));
  expect(kill).not.toHaveBeenCalled();
});

test.each<[string, (signal: AbortSignal) => Error]>([
  ["the signal's reason", (signal) => signal.reason as Error],
  ["an error of its own about it", () => new DOMException("was aborted", "AbortError")],
])("what rejects with %s was interrupted", async (_, reasonOf) => {
  const run = (signal: AbortSignal) =>
    new Promise<void>((_resolve, reject) =>
      signal.addEventListener("abort", () => reject(reasonOf(signal))),
    );
  const running = interruptible(run, { onInterrupt: () => undefined, patience: () => 5 });
  process.emit("SIGINT");
  await expect(running).rejects.toEqual(new Interrupted(130));
});

test("what goes wrong while it stops is told, and so is an abort without a signal", async () => {
  const wrong = new Error("no space left");
  const run = (signal: AbortSignal) =>
    new Promise<void>((_, reject) => signal.addEventListener("abort", () => reject(wrong)));
  const options = { onInterrupt: () => undefined, patience: () => 5 };
  const running = interruptible(run, options);
  process.emit("SIGTERM");
  await expect(running).rejects.toBe(wrong);
  const timeout = new DOMException("a time-out inside", "AbortError");
  await expect(interruptible(() => Promise.reject(timeout), options)).rejects.toBe(timeout);
});
