// koffi, without what its import does to the shell: under Node 22 and later it touches process.stderr, which sets
// O_NONBLOCK on a description that is the shell's too. In: nothing. Out: koffi. It takes some ms to load, so it is loaded
// late, and only where it is needed (native.ts, facts/landlock.ts, seccomp/libseccomp.ts).
import { constants, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import type koffiModule from "koffi";

/** fcntl(2). */
const F_GETFL = 3;
const F_SETFL = 4;

export function loadKoffi(): typeof koffiModule {
  const blocking = [0, 1, 2].filter(isBlocking);
  const koffi = createRequire(import.meta.url)("koffi") as typeof koffiModule;
  const changed = blocking.filter((fd) => !isBlocking(fd));
  if (changed.length === 0) return koffi;
  const fcntl = koffi.load(null).func("int fcntl(int fd, int command, ...)");
  for (const fd of changed) fcntl(fd, F_SETFL, "int", fcntl(fd, F_GETFL) & ~constants.O_NONBLOCK);
  return koffi;
}

/** What proc_pid_fdinfo(5) says of a descriptor; false for one that is closed. */
function isBlocking(fd: number): boolean {
  try {
    const flags = /^flags:\s+([0-7]+)$/m.exec(readFileSync(`/proc/self/fdinfo/${fd}`, "latin1"))?.[1];
    return flags !== undefined && (Number.parseInt(flags, 8) & constants.O_NONBLOCK) === 0;
  } catch {
    return false;
  }
}
