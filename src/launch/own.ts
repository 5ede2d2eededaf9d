// Where tsjail keeps what it relies on at its next start: compiled plans, records of trust, your profiles, and those
// that lie in the project. In: the environment, a profile. Out: those places and the ways to them, the directories made
// before a jail that could otherwise make them. Next: compile/own.ts.
import { isBelow, isWithin } from "../compile/path.ts";
import { isForeign, makeDirectories } from "../directory.ts";
import { TsjailError } from "../error.ts";
import { type Look, lookAtVariable, noteUnrepeatable, recordLooks } from "../facts/look.ts";
import { readFile } from "../host/file.ts";
import { decodeText, type OwnDirectory } from "../host/host.ts";
import { readIdentity } from "../host/identity.ts";
import { LinkFinder } from "../host/links.ts";
import { describeErrno } from "../profile/parse.ts";
import type { Profile } from "../profile/schema.ts";
import { xdgDirectories } from "../xdg.ts";

type Environment = Readonly<Record<string, string | undefined>>;

const kinds = [
  ["XDG_CACHE_HOME", "none"],
  ["XDG_DATA_HOME", "none"],
  ["XDG_CONFIG_HOME", "read"],
] as const;

export interface Own {
  readonly directories: readonly OwnDirectory[];
  /** What was looked at to find them. */
  readonly looks: readonly Look[];
  /** The profile shows some place on the way to one of them writable. */
  readonly isReached: boolean;
}

export interface OwnFiles {
  /** What the jail is made by. */
  readonly used: readonly string[];
  /** What the next start here would go by. */
  readonly next: string;
}

/** @param starts a jail is going to be started: what it could make in our place, and fill before we do, is made first
 * @throws TsjailError `host_unsupported` where that fails, though the jail might succeed */
export function settleOwn(
  profile: Profile,
  environment: Environment,
  starts: boolean,
  files?: OwnFiles,
): Own {
  const writable = listWritable(profile);
  const isReachable = ({ way }: OwnDirectory) =>
    way.some((place) => writable.some((path) => isBelow(place, path)));
  const found = recordLooks(() => findOwnDirectories(environment));
  const reached = found.value.filter(isReachable);
  const isMade = starts && reached.filter(({ path }) => makeDirectory(path)).length > 0;
  const { value, looks } = isMade ? recordLooks(() => findOwnDirectories(environment)) : found;
  const reachedFiles = files === undefined ? { value: [], looks: [] } : findOwnFiles(files, writable);
  return {
    directories: [...value, ...reachedFiles.value],
    looks: [...looks, ...reachedFiles.looks],
    isReached: reached.length > 0,
  };
}

/** Only those that the jail could write to: of the others a kept plan need not know. A file that isn't there can't be
 * held without being made, and a project's is not ours to make: what the next start finds has to be trusted first. */
function findOwnFiles(
  { used, next }: OwnFiles,
  writable: readonly string[],
): { value: OwnDirectory[]; looks: Look[] } {
  const all = [...new Set([...used, next])].map((file) =>
    recordLooks((): OwnDirectory | "missing" | undefined => {
      const finder = new LinkFinder();
      const traced = finder.trace(file);
      if (!traced.way.some((place) => writable.some((path) => isWithin(place, path)))) return undefined;
      const isThere = file !== next || finder.probe(traced.path) !== "absent";
      return isThere ? { ...traced, access: "read", isFile: true } : "missing";
    }),
  );
  const reached = all.filter(({ value }) => value !== undefined);
  return {
    value: reached.flatMap(({ value }) => (typeof value === "object" ? value : [])),
    looks: reached.flatMap(({ looks }) => looks),
  };
}

/** Also where they are without the XDG variables, and in the home of the user database: the next start may have
 * another environment. */
export function findOwnDirectories(environment: Environment): OwnDirectory[] {
  const account = readIdentity(decodeText(readFile("/etc/passwd")), process.getuid?.() ?? 0, environment);
  const homes = [lookAtVariable(environment, "HOME") ?? "", account.home];
  const finder = new LinkFinder();
  const found = new Map<string, OwnDirectory>();
  for (const [variable, access] of kinds) {
    const bases = [
      lookAtVariable(environment, variable) ?? "",
      ...homes.map((home) => home && `${home}/${xdgDirectories.get(variable)}`),
    ];
    for (const base of bases) {
      if (!base.startsWith("/")) continue;
      const given = `${base}/tsjail`;
      if (!found.has(given)) found.set(given, { ...finder.trace(given), access });
    }
  }
  return [...found.values()];
}

/** Everything of the host that the jail shows writable, links followed. */
function listWritable(profile: Profile): string[] {
  const finder = new LinkFinder();
  const paths = [
    ...profile.files.write,
    ...profile.mount.flatMap((mount) => (mount.type === "bind" && !mount.readonly ? [mount.source] : [])),
    ...profile.volume.flatMap(({ path, readonly }) => (path === undefined || readonly ? [] : path)),
    ...profile.mount.flatMap((mount) => (mount.type === "overlay" ? (mount.upper ?? []) : [])),
    ...(profile.root.writable === "yes" ? [profile.root.path ?? "/"] : []),
  ];
  return paths.map((path) => finder.resolve({ root: "/", path }) ?? path);
}

/** What we may not make, the jail's processes, who are this user, may not either; what is no directory is held in its
 * place by the jail as any other part of the way. */
const harmless = new Set(["EACCES", "EPERM", "EROFS", "EEXIST", "ENOTDIR", "ELOOP", "ENAMETOOLONG"]);

/** @returns whether there was something to make */
function makeDirectory(path: string): boolean {
  try {
    // sudo(8) without -H leaves HOME another user's, whom a directory of root's there would shut out.
    if (process.geteuid?.() === 0 && isForeign(path)) {
      noteUnrepeatable(`${path} is another user's to make`);
      return false;
    }
    return makeDirectories(path);
  } catch (cause) {
    if (harmless.has((cause as NodeJS.ErrnoException).code ?? "")) {
      noteUnrepeatable(`${path} can't be made`);
      return false;
    }
    const message = `tsjail's own directory ${path} can't be made: ${describeErrno(cause)}.`;
    throw new TsjailError("host_unsupported", message, {
      hint: "Make it, or show less: a jail that could make it would decide what the next one is like.",
      cause,
    });
  }
}
