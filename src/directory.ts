// mkdir -p, and whose a place is. In: a path. Out: the directories that were missing, for this user alone. mkdirSync's `recursive` would not
// do: where the kernel answers ENOENT for a name in a directory that exists, as in /proc, it tries again for ever.
// Used by src/cache, src/launch, src/loader.ts and src/profile/trust.ts.
import { mkdirSync, type StatsBase, statSync } from "node:fs";
import { dirname } from "node:path";

/** @param path absolute
 * @returns whether there was anything to make
 * @throws an errno of mkdir(2); EEXIST where something else than a directory is */
export function makeDirectories(path: string): boolean {
  const missing: string[] = [];
  for (let place = path; !isDirectory(place); place = dirname(place)) missing.unshift(place);
  for (const place of missing) {
    try {
      mkdirSync(place, { mode: 0o700 });
    } catch (error) {
      // Another tsjail may have made it meanwhile.
      if ((error as NodeJS.ErrnoException).code !== "EEXIST" || !isDirectory(place)) throw error;
    }
  }
  return missing.length > 0;
}

function isDirectory(path: string): boolean {
  try {
    return path === "/" || statSync(path, { bigint: true }).isDirectory();
  } catch {
    return false;
  }
}

/** Ours, and writable for nobody else. */
export function isOurs({ uid, mode }: Pick<StatsBase<number | bigint>, "uid" | "mode">): boolean {
  return Number(uid) === process.geteuid?.() && (Number(mode) & 0o022) === 0;
}

/** Whether a place, which may be missing, is another user's. Root must not follow anybody's links; for others, who could
 * put one there, the nearest directory decides. */
export function isForeign(directory: string): boolean {
  const euid = process.geteuid?.();
  for (let place = directory; ; place = dirname(place)) {
    const status = statSync(place, { bigint: true, throwIfNoEntry: false });
    const owner = status && Number(status.uid);
    if (owner !== undefined && owner !== 0 && owner !== euid) return true;
    if (place === dirname(place) || (status !== undefined && euid !== 0)) return false;
  }
}
