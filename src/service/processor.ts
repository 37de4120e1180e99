/** @file The processor's name. */
import { cpus } from "node:os";

/** This machine's processor, as it names itself. */
export function processorName(): string {
  return cpus()[0]?.model.trim() ?? "unknown";
}
