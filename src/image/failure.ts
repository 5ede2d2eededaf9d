// How work on images fails, in words. In: what was being done, and the error of a system call. Out: a TsjailError.
import { type ErrorCode, TsjailError } from "../error.ts";
import { quoteShell } from "../plan/escape.ts";
import { describeErrno } from "../profile/parse.ts";

/** An archive, an image or a part of one that can't be right; nothing of it is kept. */
export function invalid(subject: string, what: string, hint?: string): TsjailError {
  return new TsjailError("image_invalid", `${subject} ${what}.`, {
    hint: hint ?? "Nothing of it was kept. Get it again from where it was made.",
  });
}

const hints: Readonly<Record<string, (directory: string) => string>> = {
  ENOSPC: (directory) => `The disk is full. See what it has left: df -h ${quoteShell(directory)}`,
  EDQUOT: () => "Your quota is used up.",
  EROFS: (directory) => `The file system is read-only: ${directory}`,
  EACCES: (directory) => `Look at it: ls -ld ${quoteShell(directory)}`,
  EMFILE: () => "Too many files are open: raise the limit (ulimit -n).",
  EPERM: (directory) =>
    `The file system there may lack what a layer needs, or the kernel is older than 5.8: findmnt -T ${quoteShell(directory)}`,
  EOPNOTSUPP: (directory) =>
    `The file system there has no extended attributes, which layers need: findmnt -T ${quoteShell(directory)}`,
};

/** A system call that failed while `directory`, the store, was written. */
export function explainFailure(
  error: unknown,
  doing: string,
  directory: string,
  errorCode: ErrorCode = "store_failed",
): unknown {
  if (error instanceof TsjailError) return error;
  const { code } = error as NodeJS.ErrnoException;
  if (code === undefined || !/^E[A-Z0-9]+$/.test(code)) return error;
  const message = `${doing} failed: ${code === "ENOSPC" ? "no space left" : describeErrno(error)} (in ${directory}).`;
  const hint = hints[code]?.(directory) ?? `Look at it: ls -ld ${quoteShell(directory)}`;
  return new TsjailError(errorCode, message, {
    hint: `Nothing half-made was kept. ${hint}`,
    cause: error,
  });
}
