// In: a path of the host, or of a root directory. Out: the file's content, or that there is none; never an
// exception. read.ts puts the facts together.
import { closeSync, constants, openSync, readdirSync, readlinkSync, realpathSync } from "node:fs";
import { join } from "node:path";
import { readBytes } from "../bytes.ts";
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
    // Files of /proc say that they have no size.
    const bytes = readBytes(descriptor, Number(stat.size) || maxFileBytes + 1);
    if (bytes.length > maxFileBytes) return { kind: "unreadable", code: "EFBIG" };
    return { kind: "content", content: Buffer.from(bytes.buffer).toString("latin1") };
  } catch (error) {
    noteUnread(path, error);
    return describeMissing(error);
  } finally {
    closeSync(descriptor);
  }
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
