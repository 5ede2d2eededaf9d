// The name or path of a profile comes in; the file that it means goes out, or every place where it was looked for.
// Next: extends.ts, which reads it.
import { readdirSync } from "node:fs";
import { basename, dirname, isAbsolute, join, relative, resolve } from "node:path";
import { TsjailError } from "../error.ts";
import { lookAtKind } from "../facts/look.ts";
import { isLayerName } from "./layer-name.ts";
import { findNearest } from "./nearest.ts";
import { quoteShort } from "./quote.ts";
import { explainHome, leaveHint, requireReach } from "./reach.ts";
import type { VariableSource } from "./variables.ts";
import { createLookup } from "./variables.ts";

export interface SearchRequest extends VariableSource {
  /** Where the profiles are that come with tsjail. */
  readonly shippedDirectory: string;
}

export interface Found {
  /** Absolute. */
  readonly path: string;
  /** As messages show it: the path as it was written, or the name of a shipped profile. */
  readonly file: string;
  readonly isShipped: boolean;
  /** A bare name was found in the current directory and means something else everywhere else. */
  readonly shadows?: string;
}

/** A path contains a slash; anything else is looked up as a name. */
export const isPath = (name: string) => name.includes("/");

/** The profile that the command line names.
 * @throws TsjailError `profile_not_found`, with all places looked at and the nearest name */
export function findProfile(name: string, request: SearchRequest): Found {
  if (name === "") throw new TsjailError("usage", "The profile has no name.");
  if (name.startsWith("@")) return findEnvironment(name, request);
  if (isPath(name)) {
    const path = resolve(request.cwd, name);
    if (exists(path)) return { path, file: name, isShipped: false };
    throw notFound(name, [path], listNames(dirname(path)), (near) => join(dirname(name), near));
  }
  const file = withExtension(name);
  const own = userDirectory(request);
  const elsewhere: Found[] = [
    ...(own === undefined ? [] : [{ path: join(own, file), file: join(own, file), isShipped: false }]),
    shipped(name, request.shippedDirectory),
  ];
  const here: Found = { path: join(request.cwd, file), file, isShipped: false };
  const hidden = elsewhere.find(({ path }) => exists(path));
  requireReach(here.path, leaveHint);
  if (exists(here.path))
    return hidden === undefined || name === file ? here : { ...here, shadows: hidden.file };
  if (hidden !== undefined) {
    requireReach(hidden.path, () => {
      const { path } = shipped(name, request.shippedDirectory);
      const other = exists(path) ? `\nOr give the path of the shipped one: --profile ${path}` : "";
      return explainHome("XDG_CONFIG_HOME", request) + other;
    });
    return hidden;
  }
  // ./NAME itself comes last, so that a script called `ci` is not taken for the profile of that name.
  const bare: Found = { path: join(request.cwd, name), file: name, isShipped: false };
  if (exists(bare.path)) return bare;
  const known = [request.cwd, own, request.shippedDirectory].flatMap((each) =>
    each === undefined ? [] : listNames(each),
  );
  const places = [here, ...elsewhere, ...(name === file ? [] : [bare])].map(({ path }) => path);
  throw notFound(name, places, known, (near) => near);
}

/** What `tsjail env create` has written (src/env). */
function findEnvironment(name: string, request: SearchRequest): Found {
  const base = createLookup(request)("XDG_DATA_HOME");
  const path = `${base}/tsjail/envs/${name.slice(1)}.toml`;
  if (base !== undefined && isLayerName(name.slice(1)) && exists(path))
    return { path, file: path, isShipped: false };
  const near = findNearest(name.slice(1), base === undefined ? [] : listNames(dirname(path)));
  const suggestion = near === undefined ? "" : ` Did you mean @${near}?`;
  throw new TsjailError(
    "env_not_found",
    `There is no environment ${quoteShort(name.slice(1))}.${suggestion}`,
    {
      hint: "`tsjail env ls` lists those that there are; `tsjail env create NAME --image IMAGE` makes one.",
    },
  );
}

/** A profile that another one extends: a path relative to that file, or the name of a shipped one.
 * @throws TsjailError `profile_not_found` */
export function findExtended(name: string, from: Found, request: SearchRequest): Found {
  if (!isPath(name) && !name.endsWith(".toml")) {
    const found = shipped(name, request.shippedDirectory);
    if (exists(found.path)) return found;
    const beside = join(dirname(from.path), withExtension(name));
    const names = listNames(request.shippedDirectory);
    const path = quoteShort(`./${withExtension(name)}`, 300);
    const hint = exists(beside)
      ? `A file beside this one is written as a path: ${path}.`
      : `Those that come with tsjail are ${names.join(", ")}; a file of yours is written as a path: ${path}.`;
    throw notFound(name, [found.path], names, (near) => near, hint);
  }
  const path = resolve(dirname(from.path), name);
  if (exists(path))
    return {
      path,
      file: from.isShipped ? basename(path) : show(path, from, request),
      isShipped: from.isShipped,
    };
  throw notFound(name, [path], listNames(dirname(path)), (near) =>
    isPath(name) ? join(dirname(name), near) : near,
  );
}

/** Relative to the current directory if the file that names it was shown so and it is below; else absolute. */
function show(path: string, from: Found, { cwd }: SearchRequest): string {
  const short = relative(cwd, path);
  return isAbsolute(from.file) || short.startsWith("..") ? path : short;
}

/** $XDG_CONFIG_HOME/tsjail; undefined where there is no home directory. */
export function userDirectory(source: VariableSource): string | undefined {
  const base = createLookup(source)("XDG_CONFIG_HOME");
  return base === undefined ? undefined : join(base, "tsjail");
}

const withExtension = (name: string) => (name.endsWith(".toml") ? name : `${name}.toml`);

function shipped(name: string, directory: string): Found {
  const file = withExtension(name);
  return { path: join(directory, file), file: basename(file, ".toml"), isShipped: true };
}

function exists(path: string): boolean {
  // A directory of that name is no profile; what else it may be, readSource() says.
  return !["absent", "directory"].includes(lookAtKind(path, true));
}

/** The names of the profiles in a directory, without .toml. */
export function listNames(directory: string): string[] {
  try {
    const files = readdirSync(directory).filter((file) => file.endsWith(".toml"));
    return files.map((file) => basename(file, ".toml")).sort();
  } catch {
    return []; // only for suggestions
  }
}

function notFound(
  name: string,
  places: readonly string[],
  known: readonly string[],
  spell: (near: string) => string,
  hint?: string,
): TsjailError {
  const near = findNearest(basename(name, ".toml"), known);
  const suggestion =
    near === undefined
      ? ""
      : ` Did you mean ${quoteShort(spell(/\.toml$/.test(name) ? `${near}.toml` : near))}?`;
  return new TsjailError("profile_not_found", `There is no profile ${quoteShort(name)}.${suggestion}`, {
    detail: `looked at ${places.map((place) => quoteShort(place, 300).slice(1, -1)).join("\n          ")}`,
    hint:
      hint ??
      "`tsjail init` writes a profile to start from; `tsjail --help` says where profiles are looked for.",
  });
}
