// Which descriptors of this process are the caller's, and which Node's own: the event loop takes numbers that the
// caller has left free, and marks them no differently. In: a number. Out: whose it is. Used by prepare.ts.
import { readdirSync, readFileSync, readlinkSync } from "node:fs";

/** It is open, and Node did not open it. */
export function isCallersDescriptor(fd: number): boolean {
  const link = readLink("self", fd);
  if (link === undefined) return false;
  if (/^(anon_inode:\[(eventpoll|eventfd|io_uring)\]$|\/memfd:tsjail-plan )/.test(link)) return false;
  if (!link.startsWith("pipe:") || !hasBothEnds(link)) return true;
  // Node's own pipes begin and end in this process. So do those of make's job server, which its shells have as well.
  return readLink(String(process.ppid), fd) === link;
}

function readLink(pid: string, fd: number): string | undefined {
  try {
    return readlinkSync(`/proc/${pid}/fd/${fd}`);
  } catch {
    return undefined;
  }
}

const accessModes = 3; // O_ACCMODE

function hasBothEnds(pipe: string): boolean {
  const fds = readdirSync("/proc/self/fd").map(Number);
  const modes = fds.filter((fd) => readLink("self", fd) === pipe).map(readAccessMode);
  return new Set(modes).size > 1;
}

function readAccessMode(fd: number): number {
  const flags = /^flags:\s*(\d+)/m.exec(readFileSync(`/proc/self/fdinfo/${fd}`, "utf8"))?.[1] ?? "0";
  return Number.parseInt(flags, 8) & accessModes;
}
