// The kinds of value that profiles have: each is a valibot schema that checks one value and turns it into what
// compile wants (bytes, milliseconds, numbers). words.ts has which kind it is, and what it means. Every
// message is worded to follow the key: "process.timeout is not a duration: …". Next: schema.ts.
import * as v from "valibot";
import { TsjailError } from "../error.ts";
import { capabilityNames } from "../plan/capabilities.ts";
import { nearestHint } from "./nearest.ts";
import { quoteShort } from "./quote.ts";
import { parseDuration, parseMode, parseSignedDuration, parseSize } from "./units.ts";
import { type FieldMetadata, say } from "./words.ts";

/** For lists that grow from layer to layer. */
export const concat = { merge: "concat" } as const;

export type Raw = string | number;

/** Attaches the description and an example; the type stays what it was. */
export function about<S extends v.GenericSchema>(
  schema: S,
  description: string,
  metadata: FieldMetadata = {},
): S {
  return say(schema, { ...metadata, description });
}

// Built once: a start makes each of the kinds below for some dozens of keys.
const string = v.string("must be a string");
const pathString = v.string("must be a path");

/** Runs a parser that throws TsjailError, and makes an issue of what it throws. */
export function parsed<I, T>(parse: (value: I) => T) {
  return v.rawTransform<I, T>(({ dataset, addIssue, NEVER }) => {
    try {
      return parse(dataset.value);
    } catch (error) {
      if (!(error instanceof TsjailError)) throw error;
      addIssue({ message: error.message });
      return NEVER;
    }
  });
}

const noNul = v.check<string, string>((value) => !value.includes("\0"), "contains a NUL byte");

export const text = () => say(v.pipe(string, noNul), { kind: "string" });
export const nonEmpty = () =>
  say(v.pipe(string, noNul, v.minLength(1, "must not be empty")), { kind: "string" });
/** Any string at all: the content of a file. */
export const content = () => say(v.string("must be a string"), { kind: "string" });
export const flag = () => say(v.boolean("must be true or false"), { kind: "boolean" });

export function integer(min: number, max: number) {
  const message = `must be a whole number from ${min} to ${max}`;
  return say(
    v.pipe(v.number(message), v.integer(message), v.minValue(min, message), v.maxValue(max, message)),
    { kind: "integer" },
  );
}

export function choice<const T extends readonly string[]>(options: T) {
  return v.picklist(options, ({ input }) => {
    const list = options.map((option) => `"${option}"`).join(options.length === 2 ? " or " : ", ");
    const hint = nearestHint(typeof input === "string" ? input : undefined, options);
    return `must be ${options.length > 2 ? "one of " : ""}${list}${hint}`;
  });
}

export const list = <S extends v.GenericSchema>(item: S) => v.array(item, "must be a list");

/** One string, or a list of them; a list always comes out. */
export function oneOrSeveral<S extends v.GenericSchema<string, string>>(item: S, kind: string) {
  const several = list(item);
  return say(
    v.pipe(
      // lazy instead of union: the issues of the form that was meant, not of both
      v.lazy((input) => (Array.isArray(input) ? several : item)),
      v.transform((value): string[] => (typeof value === "string" ? [value] : value)),
    ),
    { kind },
  );
}

/** A table with a fixed set of keys. */
export const table = <const E extends v.ObjectEntries>(entries: E) =>
  v.strictObject(entries, (issue) =>
    issue.expected === "Object" ? "must be a table" : describeKeyIssue(issue),
  );

const describeKeyIssue = (issue: { expected: string | null }) =>
  issue.expected === "never" ? "is not a key of profiles" : "is missing";

/** A table whose keys are the user's: names and values. */
export const record = <K extends v.GenericSchema<string, string>, S extends v.GenericSchema>(
  key: K,
  value: S,
) => v.record(key, value, "must be a table");

const sizePattern = "^[0-9]+(\\.[0-9]+)? ?([KMGTkmgt]([iI]?[bB])?|[bB])?$";
export const size = () =>
  say(
    v.pipe(
      v.union([v.string(), v.number()], 'must be a size, such as 4096 or "512M"'),
      parsed((value: Raw) => parseSize(value)),
    ),
    { kind: "size", pattern: sizePattern },
  );

const durationOf = (parse: (value: string) => number, pattern: string) =>
  say(v.pipe(v.string('must be a duration in quotes, such as "150ms", "10s" or "1h30m"'), parsed(parse)), {
    kind: "duration",
    pattern,
  });
const durationPattern = "(0+|([0-9]+(\\.[0-9]+)?(us|ms|s|m|h|d))+)$";
export const duration = () => durationOf(parseDuration, `^${durationPattern}`);
export const signedDuration = () => durationOf(parseSignedDuration, `^[+-]?${durationPattern}`);

export const mode = () =>
  say(v.pipe(v.string('must be an octal mode in quotes, such as "0755"'), parsed(parseMode)), {
    kind: "octal mode",
    pattern: "^(0o)?[0-7]{1,5}$",
  });

const normalized = parsed(parsePath);

/** An absolute path, normalized: no empty, `.` or `..` component, no slash at the end. */
export const path = () => say(v.pipe(pathString, noNul, normalized), { kind: "path", path: true as const });

/** A path inside the jail that something is put on; the root itself has its own table. */
export const target = () =>
  say(
    v.pipe(
      path(),
      v.check((value) => value !== "/", "must not be / (the root itself is described by [root])"),
    ),
    { kind: "path", path: true as const },
  );

/** The path without empty, `.` and `..` components.
 * @throws TsjailError worded to follow the key */
export function parsePath(value: string): string {
  if (value === "") throw new TsjailError("profile_invalid", "must not be empty");
  if (!value.startsWith("/")) {
    const shown = quoteShort(value);
    const hint = value.startsWith("~")
      ? "only ~ and ~/… are understood"
      : "write it from /, or as $PWD/… or ~/…";
    throw new TsjailError("profile_invalid", `must be an absolute path, not ${shown} (${hint})`);
  }
  const kept: string[] = [];
  for (const part of value.split("/")) {
    if (part === "..") kept.pop();
    else if (part !== "" && part !== ".") kept.push(part);
  }
  const normalized = `/${kept.join("/")}`;
  // PATH_MAX counts the NUL (path_resolution(7)).
  if (Buffer.byteLength(normalized) >= 4096)
    throw new TsjailError("profile_invalid", "is longer than 4095 bytes");
  if (kept.some((part) => Buffer.byteLength(part) > 255)) {
    throw new TsjailError(
      "profile_invalid",
      "has a component of more than 255 bytes, which no file system here takes",
    );
  }
  return normalized;
}

export const hostname = () =>
  say(
    v.pipe(
      v.string("must be a string"),
      v.regex(
        /^[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?$/,
        "may have letters, digits, dots and inner hyphens only",
      ),
      // HOST_NAME_MAX of sethostname(2).
      v.maxLength(64, "is longer than 64 characters"),
    ),
    { kind: "string", pattern: "^[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?$" },
  );

export const ip = () =>
  say(v.pipe(v.string("must be an IP address"), v.ip("is not an IP address")), { kind: "IP address" });

/** The name of an environment variable: anything without `=`, as execve(2) has it. */
export const variableName = () =>
  say(v.pipe(v.string("must be a name"), v.regex(/^[^=\0]+$/, "is not a name of an environment variable")), {
    kind: "name",
  });
/** A name, or a glob in which `*` stands for anything. */
export const namePattern = () =>
  say(
    v.pipe(
      v.string("must be a name"),
      v.regex(/^[^=\0]+$/, "is not a name of an environment variable, nor a glob of names"),
    ),
    { kind: "name or glob", literal: true as const },
  );

export const id = () =>
  say(
    v.pipe(
      v.union(
        [v.picklist(["keep", "root"]), integer(0, 4294967294)],
        'must be "keep", "root" or a whole number from 0 to 4294967294',
      ),
    ),
    { kind: '"keep", "root" or integer' },
  );

export const capability = () =>
  say(
    v.pipe(
      v.string("must be the name of a capability"),
      v.rawTransform(({ dataset, addIssue, NEVER }) => {
        const wanted = dataset.value.toUpperCase().replace(/^(CAP_)?/, "CAP_");
        const name = capabilityNames.find((known) => known === wanted);
        if (name !== undefined) return name;
        const hint = nearestHint(wanted, capabilityNames);
        addIssue({ message: `is no capability: ${quoteShort(dataset.value)}${hint}` });
        return NEVER;
      }),
    ),
    { kind: "capability" },
  );
