// Profiles made of chance, from the schema's own shape, for property tests. In: nothing. Out: fast-check arbitraries of
// tables, of TOML and of bytes that are nearly TOML. Next: fuzz.test.ts.
import fc from "fast-check";
import { formatKey, type KeyPath } from "../../src/profile/key.ts";
import { profileShape, type Shape, type Table } from "../../src/profile/shape.ts";
import { formatToml } from "../../src/profile/toml.ts";

const name = fc.constantFrom("a", "b", "usr", "etc", "home", "tmp", "opt", "ünder", "a b");
const path = fc.oneof(
  fc.array(name, { minLength: 1, maxLength: 3 }).map((names) => `/${names.join("/")}`),
  fc.constantFrom("~", "~/x", "$PWD", "${HOME}/y", "${NONE:-/z}", "/proc/sys", "/dev/null", "/run/x"),
);

/** Values that fit, by what the schema calls their kind. */
const kinds: Readonly<Record<string, fc.Arbitrary<unknown>>> = {
  path,
  size: fc.constantFrom(0, 4096, "64K", "1.5M", "2GiB"),
  duration: fc.constantFrom("0", "150ms", "10s", "1h30m"),
  "octal mode": fc.constantFrom("0755", "1777", "0o600"),
  "host name": fc.constantFrom("jail", "a.b", "x-1"),
  capability: fc.constantFrom("net_raw", "CAP_SYS_ADMIN", "chown"),
};
const words = fc.constantFrom(
  "x",
  "true",
  "",
  "$HOME",
  "a=b",
  "127.0.0.1",
  "::1",
  "/x",
  "default",
  "off",
  "EPERM",
);

/** A value that may well fit: of the right form, mostly with a content that makes sense. */
function arbitraryFor(shape: Shape): fc.Arbitrary<unknown> {
  const known = shape.kind === undefined ? undefined : kinds[shape.kind];
  if (known !== undefined) return known;
  switch (shape.type) {
    case "table":
      return arbitraryTable(shape.keys);
    case "record":
      return fc.dictionary(fc.constantFrom("A", "b.test", "read", "X_1"), arbitraryFor(shape.value), {
        maxKeys: 2,
      });
    case "list":
      return fc.array(arbitraryFor(shape.item), { maxLength: 3 });
    case "variants":
      return fc.oneof(...[...shape.options.values()].map(arbitraryFor));
    case "either":
      return fc.oneof(arbitraryFor(shape.single), arbitraryFor(shape.several));
    case "choice":
      return fc.constantFrom(...shape.options);
    case "union":
      return fc.oneof(...shape.options.map(arbitraryFor));
    case "number":
      return fc.integer({ min: Math.max(shape.min ?? 0, -1e9), max: Math.min(shape.max ?? 100, 1e9) });
    case "boolean":
      return fc.boolean();
    case "string":
      return shape.path ? path : words;
  }
}

type Keys = Extract<Shape, { type: "table" }>["keys"];

/** All that have to be there, and a few of the others. */
function arbitraryTable(keys: Keys): fc.Arbitrary<Table> {
  const all = [...keys].filter(([key]) => key !== "extends");
  const required = all.filter(([, { required: isRequired }]) => isRequired);
  const others = all.filter(([, { required: isRequired }]) => !isRequired);
  const few =
    others.length === 0 ? fc.constant([]) : fc.subarray(others, { maxLength: Math.min(others.length, 3) });
  return few.chain((some) =>
    fc.record(
      Object.fromEntries([...required, ...some].map(([key, { shape }]) => [key, arbitraryFor(shape)])),
    ),
  );
}

/** A table whose values have the right forms; what it says may still be refused. */
export const arbitraryProfile: fc.Arbitrary<Table> = arbitraryTable(profileShape().keys);

/** Top-level keys one by one, each on a line of its own. */
export const writeToml = (table: Table): string =>
  Object.entries(table)
    .map(([key, value]) => `${formatKey([key])} = ${formatToml(value)}\n`)
    .join("");

function listPaths(shape: Shape, at: KeyPath = []): KeyPath[] {
  if (shape.type !== "table") return [at];
  return [at, ...[...shape.keys].flatMap(([key, value]) => listPaths(value.shape, [...at, key]))];
}

const anyKey = fc.oneof(
  fc.constantFrom(...listPaths(profileShape()).slice(1).map(formatKey)),
  fc.constantFrom("__proto__", "constructor", "toString.x", "env.set.__proto__", '"a.b"', "files", "mount"),
);
const anyValue = fc.oneof(
  fc.constantFrom("[[]]", "{}", "{ a = 1 }", "1e400", "-0", "nan", "inf", "0x7fffffffffffffff", "1979-05-27"),
  fc.constantFrom(
    '"${"',
    '"$$$"',
    '"${A:-${B}}"',
    '"\\u0000"',
    '"\\uD800"',
    "'''\n'''",
    '"~root/x"',
    '"/../.."',
  ),
  fc.jsonValue({ maxDepth: 3 }).map(formatToml),
  fc.string({ unit: "binary", maxLength: 12 }),
);
const anyLine = fc.oneof(
  fc.tuple(anyKey, anyValue).map(([key, value]) => `${key} = ${value}`),
  anyKey.map((key) => `[${key}]`),
  anyKey.map((key) => `[[${key}]]`),
  fc.constantFrom(
    "extends = 'base'",
    "extends = ['./fuzz.toml']",
    "extends = '/dev/null'",
    "\ufeff",
    "#",
    "\r",
  ),
  fc.string({ unit: "binary", maxLength: 20 }),
);

/** Any keys with any values, lines of their own, and noise: valid TOML now and then. */
export const anyText: fc.Arbitrary<string> = fc
  .array(anyLine, { maxLength: 8 })
  .map((lines) => lines.join("\n"));

/** The same with bytes changed, and bytes of chance. */
export const anyBytes: fc.Arbitrary<Uint8Array> = fc.oneof(
  fc.uint8Array({ maxLength: 200 }),
  fc.tuple(anyText, fc.uint8Array({ maxLength: 3 }), fc.nat()).map(([text, noise, at]) => {
    const bytes = Buffer.from(text, "utf8");
    return Buffer.concat([
      bytes.subarray(0, at % (bytes.length + 1)),
      noise,
      bytes.subarray(at % (bytes.length + 1)),
    ]);
  }),
);
