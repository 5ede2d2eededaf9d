// Whether a descriptor blocks, asked without any call of libc. Under Node 22 and later the import of koffi touches
// process.stderr, which sets O_NONBLOCK on a description that is the shell's too: whoever imports it looks before and
// puts it back after (launch/start.ts, seccomp/libseccomp.ts).
import { constants, readFileSync } from "node:fs";

/** What proc_pid_fdinfo(5) says of a descriptor; false for one that is closed. */
export function isBlocking(fd: number): boolean {
  try {
    const flags = /^flags:\s+([0-7]+)$/m.exec(readFileSync(`/proc/self/fdinfo/${fd}`, "latin1"))?.[1];
    return flags !== undefined && (Number.parseInt(flags, 8) & constants.O_NONBLOCK) === 0;
  } catch {
    return false;
  }
}
