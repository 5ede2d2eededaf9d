// The name of a profile and what the command line says about it come in; the checked profile goes out, and for each of
// its keys where it was given. Any problem stops here, all of them in one error. Next: src/compile.
import { userInfo } from "node:os";
import { join } from "node:path";
import { TsjailError } from "../error.ts";
import { lookAtKind, noteUnrepeatable } from "../facts/look.ts";
import { quoteShell } from "../plan/escape.ts";
import { checkLayer, checkValue, combineProblems } from "./check.ts";
import { type Chain, type Report, readChain } from "./extends.ts";
import { type Found, findProfile, type SearchRequest } from "./find.ts";
import { formatKey, parseKey } from "./key.ts";
import type { KeyOrigin } from "./layer.ts";
import { type Merged, mergeLayers } from "./merge.ts";
import { makeLayer, type Override } from "./overrides.ts";
import { leaveHint, requireReach } from "./reach.ts";
import { type Profile, profileSchema } from "./schema.ts";
import { profileShape } from "./shape.ts";
import { readTrust, recordTrust, type Trust } from "./trust.ts";
import { createLookup } from "./variables.ts";

export type { KeyOrigin, Override };

export interface ProfileRequest {
  /** A name or a path. Default: ./tsjail.toml where it is trusted, else `base`. */
  readonly profile?: string | undefined;
  readonly overrides: readonly Override[];
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** The current directory; relative paths start there, and it is $PWD. */
  readonly cwd: string;
  /** Where the profiles are that come with tsjail. */
  readonly shippedDirectory: string;
}

export interface LoadedProfile {
  readonly profile: Profile;
  /** As people call it: "profiles/dev.toml" or "base". */
  readonly name: string;
  /** Where a key ("files.write[2]", "mount[0].target") or the nearest one around it was given. A key that nobody gave
   * has the file "default". */
  origin(key: string): KeyOrigin;
  /** Every file that was read, absolute. */
  readonly inputs: readonly string[];
  /** Those of them that don't come with tsjail. */
  readonly ownInputs: readonly string[];
  /** Every environment variable that a profile uses, set or not. */
  readonly variables: readonly string[];
}

/** In the current directory, the profile where none is named. */
export const localProfile = "tsjail.toml";

/** @throws TsjailError `profile_…`, `variable_unset`, and `usage` for overrides that make no sense */
export function loadProfile(request: ProfileRequest): LoadedProfile {
  const search: SearchRequest = { ...request, account: readAccount };
  const used = new Set<string>();
  const plainLookup = createLookup(search);
  const lookup = (name: string) => {
    used.add(name);
    return plainLookup(name);
  };
  const problems: TsjailError[] = [];
  const report: Report = (problem) => problems.push(problem);

  const found = choose(request, search);
  const chain = readChain(found, search, lookup, report);
  if (found.needsTrust !== undefined) requireTrust(found, chain, search);
  const layers = [
    ...chain.layers,
    ...request.overrides.map((override) => makeLayer(override, chain.layers.length)),
  ];
  const checked = layers.map((layer) => checkLayer(layer, lookup, report));
  const name = found.file;
  throwIfAny(name, problems);
  const merged = mergeLayers(checked, profileShape());
  const { value: profile, issues } = checkValue(profileSchema, merged.table);
  for (const { path, message } of issues) {
    const key = formatKey(path);
    const origin = findKeyOrigin(key, merged);
    report(new TsjailError("profile_conflict", `${key} ${message}`, { origin }));
  }
  throwIfAny(name, problems);
  if (profile === undefined) throw new TsjailError("internal", `The profile ${name} has no value.`);
  return {
    profile,
    name,
    origin: (key) => findKeyOrigin(key, merged),
    inputs: chain.sources.map(({ path }) => path),
    ownInputs: chain.sources.filter(({ isShipped }) => !isShipped).map(({ path }) => path),
    variables: [...used],
  };
}

/** Trusts a profile of the current directory, with what it extends, as it is now.
 * @param profile its path; default ./tsjail.toml
 * @returns the record that was written, and the files that it covers */
export function trustProfile(request: Omit<ProfileRequest, "overrides">): {
  record: string;
  files: readonly string[];
} {
  const search: SearchRequest = { ...request, account: readAccount };
  const found = findProfile(request.profile ?? `./${localProfile}`, search);
  const problems: TsjailError[] = [];
  const { sources } = readChain(found, search, createLookup(search), (problem) => problems.push(problem));
  throwIfAny(found.file, problems);
  const files = sources.filter(({ isShipped }) => !isShipped).map(({ path }) => path);
  return { record: recordTrust(sources, search), files };
}

interface Chosen extends Found {
  /** Why it is not enough that it lies there. */
  readonly needsTrust?: "default" | "shadows";
}

function choose({ profile, cwd }: ProfileRequest, search: SearchRequest): Chosen {
  if (profile !== undefined) {
    const found = findProfile(profile, search);
    return found.shadows === undefined ? found : { ...found, needsTrust: "shadows" };
  }
  const path = join(cwd, localProfile);
  // Whatever it is, a directory or a dangling link: to pass over it would be to guess.
  requireReach(path, leaveHint);
  if (lookAtKind(path) !== "absent")
    return { path, file: localProfile, isShipped: false, needsTrust: "default" };
  return { path: join(search.shippedDirectory, "base.toml"), file: "base", isShipped: true };
}

/** Somebody else's directory must not choose the jail of those who step into it. */
function requireTrust(found: Chosen, { sources }: Chain, search: SearchRequest): void {
  const trust = readTrust(sources, search);
  if (trust === "trusted") return;
  const path = `./${found.file}`;
  const what = found.needsTrust === "shadows" ? `${path}, which hides the profile ${found.shadows},` : path;
  const why = {
    unknown: "has not been trusted",
    changed: `has changed since it was trusted${sources.length > 1 ? ", or a file that it extends has" : ""}`,
    foreign: "can't be trusted: others could write to the record of it",
  } satisfies Record<Exclude<Trust, "trusted">, string>;
  throw new TsjailError("profile_untrusted", `${what} ${why[trust]}.`, {
    hint: `Look at it, then: tsjail trust ${quoteShell(path)}\nOr use it this once: --profile ${quoteShell(path)}`,
  });
}

function throwIfAny(name: string, problems: readonly TsjailError[]): void {
  const error = combineProblems(name, problems);
  if (error !== undefined) throw error;
}

function findKeyOrigin(key: string, merged: Merged): KeyOrigin {
  const path = parseKey(key);
  // Below every layer: whatever anybody says is stronger.
  return (path && merged.origin(path)) ?? { file: "default", key, layer: -1 };
}

/** The home and the name of this user where the environment has none, as in cron jobs. */
function readAccount(): { home: string; user: string } | undefined {
  noteUnrepeatable("the user database was asked for the caller's home or name");
  try {
    const { homedir, username } = userInfo();
    return { home: homedir, user: username };
  } catch {
    return undefined; // an id without an entry in passwd(5), as containers have
  }
}
