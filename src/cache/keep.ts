// Whether a plan may be used again, and keeping it. In: a plan, what was looked at for it, the command line.
// Out: how to put it in the cache (store.ts), with its facts; undefined where it is for this start alone.
import { commands } from "../commands/table.ts";
import { findObstacle, type Invocation, listFacts } from "../facts/facts.ts";
import { type Look, lookAtProgram, lookAtVariable, noteUnrepeatable, recordLooks } from "../facts/look.ts";
import type { Plan } from "../plan/operations.ts";
import { encodePlan } from "../plan/wire.ts";
import { hashInvocation, planDirectory } from "./place.ts";
import { storePlan } from "./store.ts";

export interface KeepRequest {
  /** The directory of the package as bin/tsjail wrote it. */
  readonly packageWord: string;
  readonly argv: readonly string[];
  /** The command's words, the last of argv. */
  readonly words: readonly string[];
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  /** Node and our own script. */
  readonly self: readonly string[];
  readonly executor: string;
}

/** Looks at the last things now, before the jail starts; the rest can wait until it has. */
export function prepareKeeping(
  plan: Plan,
  looks: readonly Look[],
  request: KeepRequest,
): (() => void) | undefined {
  const directory = planDirectory(request.environment);
  if (directory === undefined) return undefined;
  const all = [...looks, ...lookAtPrograms(request)];
  return findObstacle(all) === undefined ? () => keepPlan(plan, all, request, directory) : undefined;
}

function keepPlan(plan: Plan, looks: readonly Look[], request: KeepRequest, directory: string): void {
  const invocation: Invocation = {
    packageWord: request.packageWord,
    options: listOptions(request),
    commands: Object.keys(commands),
  };
  let bytes: Uint8Array;
  try {
    bytes = encodePlan([...listFacts(looks, invocation, request.cwd), ...plan]);
  } catch {
    return; // With its facts it is larger than a plan may be; without them it may be none too large.
  }
  storePlan(directory, hashInvocation(invocation, request.cwd), bytes);
}

/** Who has compiled it, and who is to carry it out. */
function lookAtPrograms({ environment, self, executor }: KeepRequest): readonly Look[] {
  return recordLooks(() => {
    if (lookAtVariable(environment, "TSJAIL_EXECUTOR"))
      noteUnrepeatable("TSJAIL_EXECUTOR names the executor");
    // This file is the whole bundle (dist/run.cjs), where there is one.
    const scripts = [...self.filter((word) => word.startsWith("/")), import.meta.filename];
    for (const path of [...scripts, executor]) tryProgram(path);
  }).looks;
}

function tryProgram(path: string): void {
  try {
    lookAtProgram(path);
  } catch {
    noteUnrepeatable(`${path} is being replaced`);
  }
}

/** Our own part of argv, without the `--` after it: no option has that for a value (arguments.ts). */
function listOptions({ argv, words }: KeepRequest): string[] {
  const options = argv.slice(0, argv.length - words.length);
  return options.at(-1) === "--" ? options.slice(0, -1) : options;
}
