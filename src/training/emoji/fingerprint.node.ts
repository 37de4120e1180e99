/** @file What ties a picture's record to its bytes. */
import { createHash } from "node:crypto";

/** First 16 hexadecimal digits of SHA-256: enough to tell a picture from any other of its data set. */
export function fingerprint(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex").slice(0, 16);
}
