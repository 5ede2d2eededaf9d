// $HOME, ${NAME:-default} and ~ in the strings of a profile. A table as it was read comes in, with the shape that says
// which strings are paths and which are left alone; the same table with every variable replaced goes out. Next: check.ts.
import { TsjailError } from "../error.ts";
import { lookAtVariable, noteDirectory } from "../facts/look.ts";
import { xdgDirectories } from "../xdg.ts";
import type { KeyPath } from "./key.ts";
import { quoteShort } from "./quote.ts";
import { chooseShape, emptyTable, isTable, type Shape } from "./shape.ts";

/** The value of a variable; undefined if it is not set. */
export type Lookup = (name: string) => string | undefined;

export interface VariableSource {
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** The current directory, which is $PWD whatever the environment says. */
  readonly cwd: string;
  /** Who we are, where the environment doesn't say. */
  readonly account?: () => { readonly home: string; readonly user: string } | undefined;
}

/** Defaults of the XDG Base Directory Specification 0.8, where a list is. */
const xdgLists: ReadonlyMap<string, string> = new Map([
  ["XDG_DATA_DIRS", "/usr/local/share/:/usr/share/"],
  ["XDG_CONFIG_DIRS", "/etc/xdg"],
]);

export function createLookup({ environment, cwd, account }: VariableSource): Lookup {
  const read = (name: string) => lookAtVariable(environment, name);
  const home = () => read("HOME") || account?.()?.home;
  return (name) => {
    if (name === "PWD") {
      noteDirectory();
      return cwd;
    }
    if (name === "HOME") return home();
    if (name === "USER") return read("USER") || read("LOGNAME") || account?.()?.user;
    const value = read(name);
    const directory = xdgDirectories.get(name);
    // The specification has an empty or relative one ignored.
    if (directory !== undefined && !value?.startsWith("/")) {
      const base = home();
      return base === undefined ? undefined : `${base === "/" ? "" : base}/${directory}`;
    }
    return value || (xdgLists.get(name) ?? value);
  };
}

/** Replaces the variables of one string. `isPath`: a `~` at its start is the home directory.
 * @throws TsjailError `variable_unset` for a variable that is not set and has no default, `profile_invalid` for `${`
 * in another form */
export function expandText(text: string, lookup: Lookup, isPath: boolean): string {
  const atHome = isPath && (text === "~" || text.startsWith("~/"));
  const { value } = expandFrom(atHome ? text.slice(1) : text, 0, lookup, false);
  if (!atHome) return value;
  const home = requireVariable("HOME", lookup);
  return home === "/" && value !== "" ? value : `${home}${value}`;
}

const maxNesting = 32;

/** Expands from a position to the end, or inside a default to the `}` that closes it. */
function expandFrom(
  text: string,
  start: number,
  lookup: Lookup,
  inDefault: boolean,
  depth = 0,
): { value: string; end: number } {
  if (depth > maxNesting) throw new TsjailError("profile_invalid", "nests its variables too deep");
  let value = "";
  let at = start;
  while (at < text.length) {
    const character = text[at] ?? "";
    if (inDefault && character === "}") return { value, end: at + 1 };
    const next = text[at + 1];
    if (character !== "$" || next === undefined) {
      value += character;
      at++;
    } else if (next === "$") {
      value += "$";
      at += 2;
    } else if (next === "{") {
      const braced = expandBraced(text, at, lookup, depth);
      value += braced.value;
      at = braced.end;
    } else {
      const name = /^[A-Za-z_][A-Za-z0-9_]*/.exec(text.slice(at + 1, at + 1000))?.[0];
      value += name === undefined ? "$" : requireVariable(name, lookup);
      at += 1 + (name?.length ?? 0);
    }
  }
  if (inDefault) throw unclosed(text);
  return { value, end: at };
}

function expandBraced(
  text: string,
  at: number,
  lookup: Lookup,
  depth: number,
): { value: string; end: number } {
  const match = /^\$\{([A-Za-z_][A-Za-z0-9_]*)(\}|:-)/.exec(text.slice(at, at + 1000));
  if (match === null) throw unclosed(text);
  const [opening, name = "", separator] = match;
  const end = at + opening.length;
  if (separator === "}") return { value: requireVariable(name, lookup), end };
  const given = lookup(name);
  // The default is not looked into where it isn't needed: a variable in it may well be unset.
  const known: Lookup = given ? () => "" : lookup;
  const fallback = expandFrom(text, end, known, true, depth + 1);
  return { value: given || fallback.value, end: fallback.end };
}

const unclosed = (text: string) =>
  new TsjailError(
    "profile_invalid",
    `has a "\${" that is neither \${NAME} nor \${NAME:-default}: ${quoteShort(text)}`,
    {
      hint: "Write $$ for a dollar sign.",
    },
  );

function requireVariable(name: string, lookup: Lookup): string {
  const value = lookup(name);
  if (value !== undefined) return value;
  throw new TsjailError("variable_unset", `uses $${name}, which is not set`, {
    hint: `Set ${name}, or give it a default: \${${name}:-default}. A dollar sign itself is written $$.`,
  });
}

/** Replaces the variables in every string of a table. What can't be replaced is reported and left as it was. */
export function expandValue(
  value: unknown,
  shape: Shape,
  lookup: Lookup,
  report: (error: TsjailError, path: KeyPath) => void,
  path: KeyPath = [],
): unknown {
  if (shape.literal) return value;
  const chosen = chooseShape(shape, value);
  if (typeof value === "string") {
    try {
      return expandText(value, lookup, (shape.path ?? chosen.path) === true);
    } catch (error) {
      if (!(error instanceof TsjailError)) throw error;
      report(error, path);
      return value;
    }
  }
  if (Array.isArray(value)) {
    const item: Shape =
      chosen.type === "list" ? { ...chosen.item, ...(shape.path && { path: true }) } : untyped;
    return value.map((each, index) => expandValue(each, item, lookup, report, [...path, index]));
  }
  if (!isTable(value)) return value;
  const table = emptyTable();
  for (const [name, each] of Object.entries(value)) {
    table[name] = expandValue(each, findShape(chosen, name), lookup, report, [...path, name]);
  }
  return table;
}

const untyped: Shape = { type: "string" };

function findShape(shape: Shape, name: string): Shape {
  if (shape.type === "record") return shape.value;
  return (shape.type === "table" ? shape.keys.get(name)?.shape : undefined) ?? untyped;
}
