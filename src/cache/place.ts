// Where plans are kept: $XDG_CACHE_HOME/tsjail/plans/HASH-SLOT. In: the environment, a command line. Out: paths.
// native/cache.c finds them in the same way, without Node; store.ts writes them.
import type { Invocation } from "../facts/facts.ts";
import { findOwnDirectory } from "../xdg.ts";

type Environment = Readonly<Record<string, string | undefined>>;

/** As many plans are kept for one command line: for several terminals, or versions of a profile. */
export const slots = 4;

/** tsjail's own directory among the user's caches; undefined without a home. */
export const cacheDirectory = (environment: Environment): string | undefined =>
  findOwnDirectory(environment, "XDG_CACHE_HOME");

/** The directory of the plans. */
export function planDirectory(environment: Environment): string | undefined {
  const directory = cacheDirectory(environment);
  return directory === undefined ? undefined : `${directory}/plans`;
}

/** The name without the slot. It only finds the file: what the plan is for stands in it. */
export function hashInvocation({ packageWord, options }: Invocation, cwd: string): string {
  let hash = 0x811c9dc5;
  // FNV-1a over the strings with their NULs.
  for (const byte of Buffer.from([packageWord, cwd, ...options].map((word) => `${word}\0`).join(""))) {
    hash = Math.imul(hash ^ byte, 0x01000193);
  }
  return (hash >>> 0).toString(16).padStart(8, "0");
}

/** The plan files among the names of a directory. */
export const isPlanName = (name: string): boolean => /^[0-9a-f]{8}-[0-3]$/.test(name);
/** What store.ts leaves behind when it is killed. */
export const isLeftover = (name: string): boolean => /^[0-9a-f]{8}-[0-3]\.\d+\.new$/.test(name);
