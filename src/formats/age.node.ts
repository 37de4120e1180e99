/** @file How old a file is, by the clock of its own file system: the clocks of machines that share one differ. */
import { randomUUID } from "node:crypto";
import { open, rm, stat } from "node:fs/promises";
import { dirname, join } from "node:path";

/** Milliseconds since a file was written, or since anything of it changed, its names included; 0 where nobody can tell. */
export async function ageOf(path: string, since: "written" | "changed"): Promise<number> {
  const now = join(dirname(path), `.now-${randomUUID()}`);
  const time = since === "written" ? "mtimeMs" : "ctimeMs";
  try {
    await (await open(now, "wx")).close();
    return (await stat(now))[time] - (await stat(path))[time];
  } catch {
    return 0;
  } finally {
    await rm(now, { force: true });
  }
}
