/** @file Living processes are told from dead ones. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { expect, test } from "vitest";
import { isAlive } from "./process.node.ts";

test("this process and a child live, until the child has ended", async () => {
  expect(isAlive(process.pid)).toBe(true);
  const child = spawn(process.execPath, ["-e", "setInterval(() => {}, 1000)"]);
  await once(child, "spawn");
  expect(isAlive(Number(child.pid))).toBe(true);
  const ended = once(child, "exit");
  child.kill();
  await ended;
  expect(isAlive(Number(child.pid))).toBe(false);
});
