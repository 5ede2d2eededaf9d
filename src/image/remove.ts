// Removes a tree of the user's own, whatever modes are in it. In: a directory. Out: nothing of it.
// rm -rf fails at a directory of mode 000, and a path that grows with the depth can become longer than PATH_MAX: here
// every step is one name below an open directory (proc_pid_fd(5)), and no symbolic link is followed.
import {
  chmodSync,
  closeSync,
  constants,
  fchmodSync,
  fstatSync,
  lstatSync,
  openSync,
  readdirSync,
  renameSync,
  rmdirSync,
  unlinkSync,
} from "node:fs";
import { basename, dirname } from "node:path";
import { type ByteString, fromText, toPath } from "./bytes.ts";

const openFlags = constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW;

/** As many directories are open at once; what lies deeper is first moved up. */
const maxDepth = 200;

/** One that isn't there is no error.
 * @throws an errno, as EPERM where it holds files of somebody else */
export function removeTree(path: string): void {
  removeBytes(fromText(path));
}

/** The same for a path that may not be UTF-8. */
export function removeBytes(path: ByteString): void {
  if (lstatSync(toPath(path), { throwIfNoEntry: false }) === undefined) return;
  const parent = openSync(toPath(dirname(path)), openFlags & ~constants.O_NOFOLLOW);
  try {
    const top = basename(path);
    const left = [top];
    let moved = 0;
    const moveUp = (from: Buffer): void => {
      chmodSync(from, 0o700); // a directory that gets another parent has to be writable itself: rename(2)
      const name = `${top}.${process.pid}.${moved++}`;
      renameSync(from, below(parent, name));
      left.push(name);
    };
    for (let name = left.pop(); name !== undefined; name = left.pop()) removeEntry(parent, name, 0, moveUp);
  } finally {
    closeSync(parent);
  }
}

function removeEntry(directory: number, name: ByteString, depth: number, moveUp: (from: Buffer) => void) {
  const path = below(directory, name);
  if (tryUnlink(path)) return;
  if (depth === maxDepth) {
    moveUp(path);
    return;
  }
  const fd = openDirectory(path);
  try {
    if ((fstatSync(fd).mode & 0o700) !== 0o700) fchmodSync(fd, 0o700);
    for (const child of readdirSync(`/proc/self/fd/${fd}`, "latin1")) {
      removeEntry(fd, child, depth + 1, moveUp);
    }
  } finally {
    closeSync(fd);
  }
  rmdirSync(path);
}

const below = (fd: number, name: ByteString): Buffer => toPath(`/proc/self/fd/${fd}/${name}`);

/** @returns false for a directory */
function tryUnlink(path: Buffer): boolean {
  try {
    unlinkSync(path);
    return true;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT") return true;
    // unlink(2) of a directory: EISDIR on Linux, EPERM as POSIX has it.
    if (code === "EISDIR" || (code === "EPERM" && lstatSync(path).isDirectory())) return false;
    throw error;
  }
}

function openDirectory(path: Buffer): number {
  try {
    return openSync(path, openFlags);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EACCES") throw error;
    // Its owner may not read it. unlink(2) has just said that it is a directory.
    chmodSync(path, 0o700);
    return openSync(path, openFlags);
  }
}
