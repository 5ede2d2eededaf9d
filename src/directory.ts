// mkdir -p. In: a path. Out: the directories that were missing, for this user alone. mkdirSync's `recursive` would not
// do: where the kernel answers ENOENT for a name in a directory that exists, as in /proc, it tries again for ever.
// Used by src/cache, src/launch and src/profile/trust.ts.
import { mkdirSync, statSync } from "node:fs";
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
    return path === "/" || statSync(path).isDirectory();
  } catch {
    return false;
  }
}
