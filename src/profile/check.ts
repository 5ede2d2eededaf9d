// One layer as it was read comes in; the same with its variables replaced goes out, and everything that is wrong with
// it is reported, each problem with its file and line. Checks plain objects just as well. Next: merge.ts.
import { type GenericSchema, type InferOutput, safeParse } from "valibot";
import { TsjailError } from "../error.ts";
import { escapeControls } from "../plan/escape.ts";
import { type Report, withOrigin } from "./extends.ts";
import { formatKey, type KeyPath } from "./key.ts";
import type { Layer } from "./layer.ts";
import { isSetting } from "./overrides.ts";
import { quoteShort } from "./quote.ts";
import { layerSchema } from "./schema.ts";
import { profileShape, type Table } from "./shape.ts";
import { dropUnknown } from "./unknown.ts";
import { expandValue, type Lookup } from "./variables.ts";

/** Replaces the variables of a layer and checks it against the schema. */
export function checkLayer(layer: Layer, lookup: Lookup, report: Report): Layer {
  const blamed = new Set<string>();
  const fail = (error: TsjailError, path: KeyPath) => {
    blamed.add(formatKey(path));
    report(withOrigin(error, layer, path));
  };
  const shape = profileShape();
  const hasVariables = layer.option === undefined || isSetting(layer.option);
  const expanded = hasVariables ? expandValue(layer.table, shape, lookup, fail) : layer.table;
  // What comes with tsjail has been checked by its tests, and is checked once more in the merged profile.
  if (layer.isShipped) return { ...layer, table: expanded as Table };
  const invalid = (message: string, path: KeyPath) =>
    fail(new TsjailError("profile_invalid", message, { hint: hintAt(message, lookup) }), path);
  const known = dropUnknown(expanded, shape, invalid) as Table;
  for (const { path, message } of checkValue(layerSchema, known).issues) {
    const isBlamed = path.some((_, length) => blamed.has(formatKey(path.slice(0, length + 1))));
    if (!isBlamed) invalid(message, path);
  }
  return { ...layer, table: known };
}

/** In containers a user without an entry in passwd(5) has the home directory "/", which no profile can lay anything on. */
function hintAt(message: string, lookup: Lookup): string | undefined {
  if (!message.startsWith("must not be /") || lookup("HOME") !== "/") return undefined;
  return "HOME is /, so ~ is too. Give tsjail another one: HOME=/tmp/home tsjail …";
}

export interface Issue {
  readonly path: KeyPath;
  /** Worded to follow the key. */
  readonly message: string;
}

/** The value that valibot makes of another one, and everything that it has to say against it. */
export function checkValue<S extends GenericSchema>(
  schema: S,
  value: unknown,
): { value: InferOutput<S> | undefined; issues: readonly Issue[] } {
  const result = safeParse(schema, value);
  if (result.success) return { value: result.output, issues: [] };
  const issues = result.issues.map((issue) => ({
    path: (issue.path ?? []).map(({ key }) => (typeof key === "number" ? key : String(key))),
    message: issue.message,
  }));
  return { value: undefined, issues };
}

const maxListed = 50;

/** One problem is itself the error; several are listed below a message that counts them. */
export function combineProblems(name: string, problems: readonly TsjailError[]): TsjailError | undefined {
  const [first] = problems;
  if (first === undefined || problems.length === 1) return first;
  const listed = sortByPlace(problems)
    .slice(0, maxListed)
    .map((problem) => {
      const { origin } = problem;
      const place =
        origin?.line === undefined ? (origin?.key ?? origin?.file) : `${origin.file}:${origin.line}`;
      return escapeControls(
        place === undefined || problem.code === "profile_syntax"
          ? problem.message
          : `${place}: ${problem.message}`,
      );
    });
  if (problems.length > maxListed) listed.push(`… and ${problems.length - maxListed} more`);
  const hints = new Set(problems.flatMap(({ hint }) => hint ?? []));
  const code = problems.every((problem) => problem.code === first.code) ? first.code : "profile_invalid";
  return new TsjailError(
    code,
    `The profile ${quoteShort(name, 200).slice(1, -1)} has ${problems.length} problems.`,
    {
      detail: listed.join("\n"),
      hint: hints.size === 0 ? undefined : [...hints].slice(0, 5).join("\n"),
    },
  );
}

/** By file, in the order in which they were read, and by line. */
function sortByPlace(problems: readonly TsjailError[]): TsjailError[] {
  const files = [...new Set(problems.map(({ origin }) => origin?.file))];
  const rank = ({ origin }: TsjailError) => files.indexOf(origin?.file);
  return [...problems].sort((a, b) => rank(a) - rank(b) || (a.origin?.line ?? 0) - (b.origin?.line ?? 0));
}
