/** @file Free memory of this process, with the limits of Linux control groups. */
import { readFile } from "node:fs/promises";
import { freemem, totalmem } from "node:os";

/** What the machine, and the group of processes that this one belongs to, have and may still use. */
export interface MachineMemory {
  readonly total: number;
  readonly available: number;
  /** The control group's limit; null where there is none. */
  readonly limit: number | null;
}

type Read = (path: string) => Promise<string | null>;

const readText: Read = (path) => readFile(path, "utf8").catch(() => null);

/** Reads /proc and /sys on Linux; elsewhere what the system calls free. `read` gives a file's text or null. */
export async function machineMemory(read: Read = readText): Promise<MachineMemory> {
  const meminfo = await read("/proc/meminfo");
  const total = kilobytes(meminfo, "MemTotal") ?? totalmem();
  const free = kilobytes(meminfo, "MemAvailable") ?? freemem();
  const group = (await groupVersion2(read)) ?? (await groupVersion1(read));
  if (!group || group.limit >= total) return { total, available: free, limit: null };
  const rest = Math.max(group.limit - group.used, 0);
  return { total, available: Math.min(free, rest), limit: group.limit };
}

function kilobytes(text: string | null, key: string): number | null {
  const match = new RegExp(`^${key}:?\\s+(\\d+) kB`, "m").exec(text ?? "");
  return match ? Number(match[1]) * 1024 : null;
}

interface Group {
  readonly limit: number;
  /** Without the cache of files, which gives way. */
  readonly used: number;
}

/** The tightest limit from this process's group up to the root. */
async function groupVersion2(read: Read): Promise<Group | null> {
  const place = /^0::(\/.*)$/m.exec((await read("/proc/self/cgroup")) ?? "")?.[1];
  if (place === undefined) return null;
  let tightest: Group | null = null;
  const parts = place.split("/").filter((part) => part && part !== "..");
  for (let depth = parts.length; depth >= 0; depth--) {
    const folder = ["/sys/fs/cgroup", ...parts.slice(0, depth)].join("/");
    const group = await groupIn(read, folder, {
      limit: "memory.max",
      used: "memory.current",
      cache: "inactive_file",
    });
    if (group && group.limit - group.used < (tightest ? tightest.limit - tightest.used : Infinity))
      tightest = group;
  }
  return tightest;
}

async function groupVersion1(read: Read): Promise<Group | null> {
  return groupIn(read, "/sys/fs/cgroup/memory", {
    limit: "memory.limit_in_bytes",
    used: "memory.usage_in_bytes",
    cache: "total_inactive_file",
  });
}

async function groupIn(
  read: Read,
  folder: string,
  names: { limit: string; used: string; cache: string },
): Promise<Group | null> {
  const limit = Number.parseInt((await read(`${folder}/${names.limit}`)) ?? "", 10);
  const used = Number.parseInt((await read(`${folder}/${names.used}`)) ?? "", 10);
  if (!Number.isFinite(limit) || !Number.isFinite(used)) return null;
  const stat = (await read(`${folder}/memory.stat`)) ?? "";
  const cache = new RegExp(`^${names.cache} (\\d+)$`, "m").exec(stat);
  return { limit, used: Math.max(used - Number(cache?.[1] ?? 0), 0) };
}
