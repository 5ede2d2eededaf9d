// How a call through koffi fails. In: its name, an errno. Out: an error like Node's own. Apart from native.ts and
// image/system.ts, which throw it, since a start may load this without loading koffi.
import { constants } from "node:os";

/** A system call that failed. */
export class NativeError extends Error {
  override readonly name = "NativeError";
  readonly call: string;
  readonly errno: number;

  constructor(call: string, errno: number) {
    super(`${call}: ${nameErrno(errno)}`);
    this.call = call;
    this.errno = errno;
  }

  /** "ENOENT" */
  get code(): string {
    return nameErrno(this.errno);
  }
}

export function nameErrno(errno: number): string {
  const found = Object.entries(constants.errno).find(([, number]) => number === errno);
  return found?.[0] ?? `errno ${errno}`;
}
