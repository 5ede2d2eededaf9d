// Who has a volume. In: its lock. Out: processes, or the lock for us alone. Each jail's executor holds it shared for as
// long as the jail lives (native/host.c), and the kernel says who does (proc_locks(5)): a file could name one alone.
import { closeSync, constants, openSync, readFileSync, statSync } from "node:fs";
import { TsjailError } from "../error.ts";
import { tryLock } from "../image/system.ts";
import { quoteWord } from "../plan/escape.ts";
import { volumePlaces } from "./place.ts";

/** The processes that have it, as far as we may see them; undefined where nobody has. */
export function findHolders(lock: string): number[] | undefined {
  const fd = openLock(lock);
  if (fd === undefined) return undefined;
  try {
    return tryLock(fd, "exclusive") ? undefined : listHolders(lock);
  } finally {
    closeSync(fd);
  }
}

/** Runs `work` while no jail has the volume, nor gets it.
 * @throws TsjailError `volume_busy` */
export function withVolume<T>(name: string, directory: string, work: () => T): T {
  const { lock } = volumePlaces(directory);
  const fd = openLock(lock);
  try {
    if (fd === undefined || tryLock(fd, "exclusive")) return work();
    throw new TsjailError("volume_busy", `The volume ${quoteWord(name)} is in use by ${nameHolders(lock)}.`, {
      hint: "End what runs there first.",
    });
  } finally {
    if (fd !== undefined) closeSync(fd);
  }
}

function nameHolders(lock: string): string {
  const [first, ...rest] = listHolders(lock);
  if (first === undefined) return "another jail";
  if (rest.length === 0) return `the jail of process ${first}`;
  return `the jails of the processes ${[first, ...rest].join(", ")}`;
}

/** Undefined where there is none. */
function openLock(lock: string): number | undefined {
  try {
    return openSync(lock, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}

/** "12: FLOCK  ADVISORY  READ 4711 fe:01:123456 0 EOF"; the numbers of some file systems' devices are others in stat(2). */
function listHolders(lock: string): number[] {
  const { ino } = statSync(lock, { bigint: true });
  const line = /^\d+: FLOCK +ADVISORY +READ +(\d+) [0-9a-f]+:[0-9a-f]+:(\d+) /gm;
  const found = [...readFileSync("/proc/locks", "latin1").matchAll(line)].filter(
    ([, , inode]) => inode === String(ino),
  );
  return [...new Set(found.map(([, pid]) => Number(pid)))].sort((a, b) => a - b);
}
