/** @file Whether another process still lives, for files that name the one that made them. */

/** Whether a process with this number lives, whoever owns it. */
export function isAlive(id: number): boolean {
  try {
    process.kill(id, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}
