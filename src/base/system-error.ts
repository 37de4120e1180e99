/** @file What the operating system means by its error codes, for whoever wanted to write a file. */

/** Why a file could not be written, and what to do about it. */
export interface SystemReason {
  readonly reason: string;
  readonly hint: string;
}

const place = "give another place";
const reasons: Readonly<Record<string, SystemReason>> = {
  ENOSPC: { reason: "the disk is full", hint: "make room or give another place" },
  EDQUOT: { reason: "the quota of the disk is used up", hint: "make room or give another place" },
  EFBIG: { reason: "the file would be larger than is allowed", hint: place },
  EACCES: { reason: "writing is not allowed there", hint: place },
  EPERM: { reason: "writing is not allowed there", hint: place },
  EROFS: { reason: "the file system is read-only", hint: place },
  ENOTDIR: { reason: "a part of the path is a file, not a folder", hint: place },
  EEXIST: { reason: "a file has that name", hint: place },
  EISDIR: { reason: "it is a folder", hint: "give the name of a file" },
  ENOENT: { reason: "nothing can be made there", hint: place },
  ENAMETOOLONG: { reason: "the name is too long", hint: "give a shorter name" },
  EMFILE: { reason: "too many files are open", hint: "raise the limit (ulimit -n)" },
  EIO: { reason: "the disk reports an error", hint: place },
};

/** The reason behind an error of the operating system; null for every other error. */
export function systemReason(error: unknown): SystemReason | null {
  if (!(error instanceof Error) || !("syscall" in error) || !("code" in error)) return null;
  const code = String(error.code);
  return Object.hasOwn(reasons, code)
    ? reasons[code]
    : { reason: `the system says ${code}`, hint: place };
}
