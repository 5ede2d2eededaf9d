// The calls of libc that layers take and Node lacks, through koffi: locks, whiteouts, extended attributes, times to the
// nanosecond. In: paths as bytes. Out: what the call returned, or a NodeJS-like error with a code.
import { loadKoffi } from "../koffi.ts";
import { NativeError } from "../native-error.ts";
import { type ByteString, toPath } from "./bytes.ts";
import type { Extent } from "./sparse.ts";

type Libc = ReturnType<typeof loadLibc>;
let loaded: Libc | undefined;
/** The first call loads it: a start that makes none pays nothing. */
function calls(): Libc {
  loaded ??= loadLibc();
  return loaded;
}

function loadLibc() {
  const koffi = loadKoffi();
  const libc = koffi.load(null);
  return {
    errno: () => koffi.errno(),
    lseek: libc.func("long lseek(int fd, long offset, int whence)"),
    flock: libc.func("int flock(int fd, int operation)"),
    mknodat: libc.func(
      "int mknodat(int directory, const void *path, unsigned int mode, unsigned long device)",
    ),
    utimensat: libc.func("int utimensat(int directory, const void *path, const void *times, int flags)"),
    lsetxattr: libc.func(
      "int lsetxattr(const void *path, const void *name, const void *value, size_t size, int flags)",
    ),
    llistxattr: libc.func("long llistxattr(const void *path, void *list, size_t size)"),
    lgetxattr: libc.func("long lgetxattr(const void *path, const void *name, void *value, size_t size)"),
  };
}

// fcntl.h and sys/stat.h of Linux.
const AT_FDCWD = -100;
const AT_SYMLINK_NOFOLLOW = 0x100;
const S_IFCHR = 0o020000;
const S_IFIFO = 0o010000;
const LOCK = { shared: 1, exclusive: 2 } as const;
const LOCK_NB = 4;
const SEEK_DATA = 3;
const SEEK_HOLE = 4;

export type LockKind = keyof typeof LOCK;

const terminate = (path: ByteString): Buffer => toPath(`${path}\0`);

function check(call: string, result: number | bigint): number {
  if (Number(result) === -1) throw new NativeError(call, calls().errno());
  return Number(result);
}

/** flock(2), which goes with the descriptor, and so with the process that has it.
 * @returns false where somebody else has it */
export function tryLock(fd: number, kind: LockKind): boolean {
  if (calls().flock(fd, LOCK[kind] | LOCK_NB) === 0) return true;
  const error = new NativeError("flock", calls().errno());
  if (error.code === "EAGAIN") return false;
  throw error;
}

/** A character device 0:0, which overlayfs takes for "not here"; no privilege is needed for it since Linux 5.8. */
export function makeWhiteout(path: ByteString): void {
  check("mknod", calls().mknodat(AT_FDCWD, terminate(path), S_IFCHR, 0));
}

export function makeFifo(path: ByteString): void {
  check("mknod", calls().mknodat(AT_FDCWD, terminate(path), S_IFIFO | 0o600, 0));
}

/** Where a file has content, and no holes (lseek(2)). */
export function listExtents(fd: number, size: number): Extent[] {
  const extents: Extent[] = [];
  for (let end = 0; end < size; ) {
    const offset = Number(calls().lseek(fd, end, SEEK_DATA));
    if (offset < 0) {
      const error = new NativeError("lseek", calls().errno());
      if (error.code === "ENXIO") break; // nothing but a hole from here on
      throw error;
    }
    end = Math.min(check("lseek", calls().lseek(fd, offset, SEEK_HOLE)), size);
    if (offset < end) extents.push({ offset, length: end - offset });
  }
  return extents;
}

/** Of a symbolic link itself too.
 * @param mtime ns since 1970; the access time becomes the same */
export function setTimes(path: ByteString, mtime: bigint): void {
  const seconds = mtime / 1_000_000_000n - (mtime % 1_000_000_000n < 0n ? 1n : 0n);
  const nanoseconds = mtime - seconds * 1_000_000_000n;
  const times = BigInt64Array.of(seconds, nanoseconds, seconds, nanoseconds);
  check("utimensat", calls().utimensat(AT_FDCWD, terminate(path), times, AT_SYMLINK_NOFOLLOW));
}

export function setAttribute(path: ByteString, name: string, value: Uint8Array): void {
  const length = value.length;
  // koffi takes no pointer of an empty buffer.
  const bytes = length === 0 ? Buffer.alloc(1) : value;
  check("lsetxattr", calls().lsetxattr(terminate(path), Buffer.from(`${name}\0`), bytes, length, 0));
}

/** @returns false where the file system does not take it */
export function trySetAttribute(place: ByteString, name: string, value: Buffer): boolean {
  try {
    setAttribute(place, name, value);
    return true;
  } catch (error) {
    // xattr(7): file systems differ in how much they take, and in whether they take any.
    const bearable = ["EOPNOTSUPP", "E2BIG", "ERANGE", "ENOSPC", "EDQUOT", "EPERM"];
    if (bearable.includes((error as NodeJS.ErrnoException).code ?? "")) return false;
    throw error;
  }
}

/** lgetxattr(2); undefined where there is no such attribute, or none can be. */
export function readAttribute(path: ByteString, name: string): string | undefined {
  const value = Buffer.alloc(256);
  const length = Number(calls().lgetxattr(terminate(path), terminate(name), value, value.length));
  return length < 0 ? undefined : value.toString("latin1", 0, length);
}

/** All extended attributes that this user may see, by name. */
export function readAttributes(path: ByteString): Map<string, Buffer> {
  const found = new Map<string, Buffer>();
  const target = terminate(path);
  const list = readGrowing("llistxattr", (buffer) => calls().llistxattr(target, buffer, buffer.length));
  for (const name of list.toString("latin1").split("\0")) {
    if (name === "") continue;
    const key = toPath(`${name}\0`);
    found.set(
      name,
      readGrowing("lgetxattr", (buffer) => calls().lgetxattr(target, key, buffer, buffer.length)),
    );
  }
  return found;
}

function readGrowing(call: string, read: (buffer: Buffer) => number | bigint): Buffer {
  for (let size = 1024; ; size *= 8) {
    const buffer = Buffer.alloc(size);
    const result = Number(read(buffer));
    if (result >= 0) return buffer.subarray(0, result);
    const error = new NativeError(call, calls().errno());
    if (error.code === "EOPNOTSUPP") return Buffer.alloc(0);
    if (error.code !== "ERANGE" || size > 1 << 20) throw error;
  }
}
