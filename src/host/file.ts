// In: a path of the host, or of a root directory. Out: the file's content, or that there is none; never an
// exception. read.ts puts the facts together.
import { closeSync, constants, openSync, readdirSync, readlinkSync, readSync, realpathSync } from "node:fs";
import { join } from "node:path";
import { lookAtLink, lookAtListed, lookAtOpened, noteUnread, noteUnrepeatable } from "../facts/look.ts";
import type { FileFact, Missing, RootEntry, RootFact } from "./host.ts";

/** Bytes; what a profile carries into a jail through a plan has to stay well below `maxPlanBytes`. */
export const maxFileBytes = 16 * 1024 * 1024;

/**
 * Reads a regular file. A FIFO or a device would hang us, so they are `unreadable`.
 * @param root where the file has to be; whoever can write there could have put a link in the way since it was looked at
 */
export function readFile(path: string, root = "/"): FileFact {
  let descriptor: number;
  try {
    descriptor = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY);
  } catch (error) {
    noteUnread(path, error);
    return describeMissing(error);
  }
  try {
    if (!isInside(descriptor, root)) {
      noteUnrepeatable(`${path} was replaced`);
      return { kind: "unreadable", code: "EXDEV" };
    }
    const stat = lookAtOpened(path, descriptor);
    if (stat.isDirectory()) return { kind: "unreadable", code: "EISDIR" };
    if (!stat.isFile()) return { kind: "unreadable", code: "EINVAL" };
    if (stat.size > BigInt(maxFileBytes)) return { kind: "unreadable", code: "EFBIG" };
    return { kind: "content", content: readAll(descriptor, Number(stat.size)) };
  } catch (error) {
    noteUnread(path, error);
    return describeMissing(error);
  } finally {
    closeSync(descriptor);
  }
}

/** As readFileSync(), of which Node has to compile eight functions when it is first called.
 * @param size what fstat(2) said: 0 of files in /proc, and others may grow */
function readAll(descriptor: number, size: number): string {
  let bytes = new Uint8Array(Math.max(size + 1, 4096));
  let length = 0;
  for (let count = -1; count !== 0; length += count) {
    if (length === bytes.length) {
      const more = new Uint8Array(length * 2);
      more.set(bytes);
      bytes = more;
    }
    count = readSync(descriptor, bytes, length, bytes.length - length, null);
  }
  return Buffer.from(bytes.buffer, 0, length).toString("latin1");
}

/** What was opened, not what its path promised (proc_pid_fd(5)). */
function isInside(descriptor: number, root: string): boolean {
  return root === "/" || readlinkSync(`/proc/self/fd/${descriptor}`).startsWith(`${realpathSync(root)}/`);
}

/** Lists a directory, sorted by name: two readings of the same directory give the same plan. */
export function readEntries(path: string): RootFact {
  try {
    lookAtListed(path);
    const entries = readdirSync(path, { withFileTypes: true }).map((entry): RootEntry => {
      const { name } = entry;
      // Not UTF-8: it could not be named in a plan.
      if (name.includes("\ufffd")) return { name, kind: "other" };
      if (entry.isSymbolicLink()) return { name, kind: "symlink", target: lookAtLink(join(path, name)) };
      return { name, kind: entry.isDirectory() ? "directory" : entry.isFile() ? "file" : "other" };
    });
    entries.sort((a, b) => (a.name < b.name ? -1 : 1));
    return { kind: "entries", entries };
  } catch (error) {
    noteUnread(path, error);
    return describeMissing(error);
  }
}

function describeMissing(error: unknown): Missing {
  const code = (error as NodeJS.ErrnoException).code ?? "EIO";
  return code === "ENOENT" ? { kind: "absent" } : { kind: "unreadable", code };
}
