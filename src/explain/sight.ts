// Why the jail doesn't show a path that the host has, and what to write into the profile so that it does.
// In: a Sight of view.ts. Out: sentences; next are execution.ts and workdir.ts.
import { escapeControls, quoteShell, quoteWord } from "../plan/escape.ts";
import type { Operation } from "../plan/operations.ts";
import { quote } from "../profile/quote.ts";
import type { Failure } from "./rule.ts";
import { findTarget, followPath, type Sight } from "./view.ts";

/** How the jail sees one of its own paths. */
export function look(failure: Failure, path: string): Sight {
  return followPath(failure.plan, path, failure.facts.probeFile);
}

/** How the host sees it, with nothing in between. */
export function lookOutside(failure: Failure, path: string): Sight {
  const everything: Operation = { op: "root_bind", origin: "", source: "/", set: [] };
  return followPath([everything], path, failure.facts.probeFile);
}

/** "by files.hide[0] in dev.toml:9", or nothing for an operation without an origin. */
function blame(operation: Operation | undefined): string {
  return operation === undefined || operation.origin === "" ? "" : ` (${escapeControls(operation.origin)})`;
}

/** Why a path isn't seen in the jail, as a sentence. */
export function describeAbsence(sight: Extract<Sight, { seen: false }>): string {
  const { by, path } = sight;
  const top = quoteWord(by === undefined ? "/" : (findTarget(by) ?? "/"));
  switch (sight.because) {
    case "hidden":
      return `The profile hides ${top}${blame(by)}.`;
    case "covered":
      if (by === undefined || by.op === "root_tmpfs")
        return `The profile shows nothing at ${quoteWord(path)}${blame(by)}.`;
      return `The jail has a file system of its own on ${top}${blame(by)}, so what the host has there isn't seen.`;
    case "denied":
      return `You may not look at ${quoteWord(path)} on this machine.`;
    case "loop":
      return `${quoteWord(path)} leads through more than 40 symbolic links.`;
    case "missing":
      return `There is no ${quoteWord(path)} in the jail: what it shows there${blame(by)} doesn't have it.`;
  }
}

/** How to make a path of the host's visible. */
export function adviseShow(
  sight: Extract<Sight, { seen: false }>,
  path: string,
  access: "read" | "write",
): string {
  // A program of another system would rarely find its libraries there.
  if (sight.because === "missing" && sight.by?.op === "root_overlay")
    return "That root is a system of its own: install the program there, or use one that it has.";
  const lines = [`Show it in the profile: ${access} = [${quote(path)}] in [files]`];
  if (sight.because === "hidden" && sight.by !== undefined) {
    lines.unshift(`Take ${quoteWord(findTarget(sight.by) ?? "/")} out of what the profile hides. Or:`);
  }
  lines.push(
    "Or once, on the command line:",
    `  tsjail --bind ${quoteShell(path)}${access === "write" ? ":rw" : ""} …`,
  );
  return lines.join("\n");
}
