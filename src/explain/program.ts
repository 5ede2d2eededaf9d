// The command as it was to be executed, and where the jail has it: the executor's search, done again on paper.
// In: a failure. Out: a Program; next is execution.ts.
import { posix } from "node:path";
import { matchNames } from "../plan/names.ts";
import type { FileFact } from "./files.ts";
import type { Failure } from "./rule.ts";
import { look } from "./sight.ts";
import type { Sight } from "./view.ts";

export type Program = Extract<Sight, { seen: true }> & { readonly file: Extract<FileFact, { kind: "file" }> };

/** The command as it was to be executed. */
export function findCommand(failure: Failure): readonly string[] {
  if (failure.report.command !== undefined) return failure.report.command;
  const operation = failure.plan.find(({ op }) => op === "command");
  return operation?.op === "command" ? operation.argv : [];
}

/** What the executor searches without a PATH. */
export const defaultPath = "/usr/local/bin:/usr/bin:/bin";

/** The PATH inside; undefined where there is none. */
export function findPathVariable(failure: Failure): string | undefined {
  const operation = failure.plan.find(({ op }) => op === "environment");
  if (operation?.op !== "environment") return undefined;
  const { list, pass, unset, defaults } = operation;
  const find = (entries: readonly string[]) =>
    entries.findLast((entry) => entry.startsWith("PATH="))?.slice("PATH=".length);
  const isPassed = matchNames(pass)("PATH") && !matchNames(unset)("PATH");
  return find(list) ?? ((isPassed && failure.facts.path) || find(defaults));
}

/** The paths at which a command is looked for. */
export function listCandidates(name: string, path: string, workdir: string): string[] {
  if (name.includes("/")) return [posix.resolve(workdir, name)];
  return path.split(":").map((directory) => posix.resolve(workdir, directory, name));
}

/** The first file of that name as the jail sees it, an executable one if there is any. */
export function findProgram(failure: Failure, name: string): Program | undefined {
  const workdir = failure.plan.find(({ op }) => op === "workdir");
  const path = findPathVariable(failure) ?? defaultPath;
  const candidates = listCandidates(name, path, workdir?.op === "workdir" ? workdir.path : "/");
  const files = candidates.map((candidate) => look(failure, candidate)).filter(isProgram);
  return files.find(({ file }) => (file.mode & 0o111) !== 0) ?? files[0];
}

export const isProgram = (sight: Sight): sight is Program => sight.seen && sight.file.kind === "file";
