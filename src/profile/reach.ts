// Directories in which profiles and records of trust are looked for, and which the caller may not look into: sudo(8)
// without -H leaves HOME, and the current directory, another user's. In: the place. Out: an error that says what to do.
// To pass over such a place would be to guess what is in it. Used by find.ts, load.ts and trust.ts.
import { lstatSync, statSync } from "node:fs";
import { TsjailError } from "../error.ts";
import { quoteShort } from "./quote.ts";
import { createLookup, type VariableSource } from "./variables.ts";

/** For the current directory. */
export const leaveHint = () =>
  "cd to a directory of yours, or give the path of a profile: --profile /…/dev.toml";

/** @param makeHint says what to do
 * @throws TsjailError `profile_unreadable` */
export function requireReach(path: string, makeHint: () => string): void {
  try {
    lstatSync(path);
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== "EACCES") return;
    const shown = quoteShort(path, 300).slice(1, -1);
    const message = `Whether there is a profile ${shown} can't be seen: permission denied.`;
    throw new TsjailError("profile_unreadable", message, { hint: makeHint(), cause });
  }
}

/** What to do about a directory that follows from HOME or from a variable of its own. */
export function explainHome(variable: "XDG_CONFIG_HOME" | "XDG_DATA_HOME", source: VariableSource): string {
  const name = source.environment[variable]?.startsWith("/") ? variable : "HOME";
  const value = createLookup(source)(name) ?? "";
  const whose = isForeign(value) ? "which belongs to another user" : "where you may not look";
  const how = name === "HOME" ? " (sudo -H does)" : "";
  return `${name} is ${quoteShort(value, 300).slice(1, -1)}, ${whose}: set it to a directory of yours${how}.`;
}

function isForeign(path: string): boolean {
  try {
    return statSync(path).uid !== process.geteuid?.();
  } catch {
    return false; // only the wording depends on it
  }
}
