/** @file Memory: estimates counted by hand, and control groups as Linux writes them. */
import { describe, expect, test } from "vitest";
import { graphOf, input, parameter } from "../../tensor/index.ts";
import { machineMemory } from "./memory.node.ts";
import { estimateMemory, requireMemory, showBytes } from "./memory.ts";

describe("estimateMemory", () => {
  test("counts what lives at once", () => {
    const x = input("x", [256]); // 1 kB
    const y = x.mul(2).add(1).exp();
    // x is dead after mul; at every op its input and its output live: 2 kB, and a scalar of 4 bytes.
    expect(estimateMemory(graphOf({ y })).activations).toBe(2048 + 4);
  });

  test("keeps a skip alive and takes reshapes for views", () => {
    const x = input("x", [256]);
    const skip = x.exp();
    const y = skip.reshape(16, 16).neg().reshape(256).add(skip);
    // exp, neg and the sum live together; x and the reshapes take nothing.
    expect(estimateMemory(graphOf({ y })).activations).toBe(3 * 1024);
  });

  test("counts weights apart", () => {
    const w = parameter([256], { kind: "constant", value: 0 });
    w.path = "w";
    const { weights, activations } = estimateMemory(graphOf({ y: input("x", [256]).add(w) }));
    expect([weights, activations]).toEqual([1024, 2048]);
  });
});

test("a want of memory says what is needed, what there is and what to do", () => {
  expect(() => requireMemory("the decoder", 3e9, 1e9)).toThrowError(
    expect.objectContaining({
      code: "engine",
      message: "the decoder needs about 3.0 GB of memory, but only 1.0 GB are free",
      hint: expect.stringContaining("smaller") as string,
    }),
  );
  expect(() => requireMemory("the decoder", 3e9, null)).not.toThrow();
});

test("bytes as people read them", () => {
  expect([0, 999, 1500, 2.5e8, 7e13].map(showBytes)).toEqual([
    "0 bytes",
    "999 bytes",
    "1.5 kB",
    "250 MB",
    "70.0 TB",
  ]);
});

describe("machineMemory", () => {
  const meminfo = "MemTotal:       16000000 kB\nMemFree: 1 kB\nMemAvailable:    8000000 kB\n";
  const machine = (files: Record<string, string>) =>
    machineMemory((path) => Promise.resolve(files[path] ?? null));

  test("without a group takes what the kernel calls available", async () => {
    const found = await machine({ "/proc/meminfo": meminfo });
    expect(found).toEqual({ total: 16384e6, available: 8192e6, limit: null });
  });

  test("version 2: the tightest group up to the root, its file cache given back", async () => {
    const found = await machine({
      "/proc/meminfo": meminfo,
      "/proc/self/cgroup": "0::/a/b\n",
      "/sys/fs/cgroup/a/b/memory.max": "max\n",
      "/sys/fs/cgroup/a/b/memory.current": "5\n",
      "/sys/fs/cgroup/a/memory.max": "1000000000\n",
      "/sys/fs/cgroup/a/memory.current": "700000000\n",
      "/sys/fs/cgroup/a/memory.stat": "anon 1\ninactive_file 200000000\n",
    });
    expect(found).toMatchObject({ available: 500e6, limit: 1e9 });
  });

  test("version 1, and a limit beyond the machine is none", async () => {
    const files = (limit: string) => ({
      "/proc/meminfo": meminfo,
      "/sys/fs/cgroup/memory/memory.limit_in_bytes": limit,
      "/sys/fs/cgroup/memory/memory.usage_in_bytes": "100000000",
    });
    expect(await machine(files("900000000"))).toMatchObject({ available: 800e6, limit: 900e6 });
    expect(await machine(files("9223372036854771712"))).toMatchObject({ limit: null });
  });
});
