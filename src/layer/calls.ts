// The calls of libc that kept layers take and Node lacks, through koffi. In: descriptors, paths as bytes. Out: whether a
// lock was free, an extended attribute. Imported late: koffi takes a while.
import { loadKoffi } from "../koffi.ts";
import { NativeError } from "../native.ts";

const koffi = loadKoffi();
const libc = koffi.load(null);
const calls = {
  flock: libc.func("int flock(int fd, int operation)"),
  lgetxattr: libc.func("long lgetxattr(const void *path, const char *name, void *value, size_t size)"),
};

const LOCK_EX = 2;
const LOCK_NB = 4;

/** flock(2), which ends with the descriptor.
 * @returns false where a jail has it */
export function tryLock(fd: number): boolean {
  if (calls.flock(fd, LOCK_EX | LOCK_NB) === 0) return true;
  const error = new NativeError("flock", koffi.errno());
  if (error.code === "EAGAIN") return false;
  throw error;
}

/** lgetxattr(2), of a symbolic link itself; undefined where there is no such attribute, or none can be. */
export function readAttribute(path: Buffer, name: string): string | undefined {
  const value = Buffer.alloc(256);
  const length = Number(calls.lgetxattr(Buffer.concat([path, Buffer.of(0)]), name, value, value.length));
  return length < 0 ? undefined : value.toString("latin1", 0, length);
}
