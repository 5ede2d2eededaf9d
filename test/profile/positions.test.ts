// Where keys are: by hand for every form of TOML, and over generated texts.
import fc from "fast-check";
import { parse, stringify } from "smol-toml";
import { formatKey, type KeyPath } from "../../src/profile/key.ts";
import { locateKeys } from "../../src/profile/positions.ts";
import * as assert from "../support/assert.ts";
import { suite } from "../support/suite.ts";

const test = suite("positions");

/** "line:column" by key. */
function locate(text: string): Record<string, string> {
  parse(text);
  return Object.fromEntries(
    [...locateKeys(text)].map(([key, { line, column }]) => [key, `${line}:${column}`]),
  );
}

test("keys, tables and lists of tables are found where they stand", () => {
  const text =
    'a = 1\n[b]\n  c.d = 2\n[[m]]\nt = "x"\n[m.q]\nz = 1\n[[m]] # second\n"a b" = 1\n[[m.n]]\nk = 1\n';
  assert.equal(locate(text), {
    a: "1:1",
    b: "2:1",
    "b.c": "3:3",
    "b.c.d": "3:3",
    m: "4:1",
    "m[0]": "4:1",
    "m[0].t": "5:1",
    "m[0].q": "6:1",
    "m[0].q.z": "7:1",
    "m[1]": "8:1",
    'm[1]."a b"': "9:1",
    "m[1].n": "10:1",
    "m[1].n[0]": "10:1",
    "m[1].n[0].k": "11:1",
  });
});

test("elements of lists and inline tables are found, over several lines and past comments", () => {
  const text = 'l = [\n  "a", # ] "\n  \'b\',\n  [1, 2],\n  { x = 1, y.z = [3] },\n]\n';
  assert.equal(locate(text), {
    l: "1:1",
    "l[0]": "2:3",
    "l[1]": "3:3",
    "l[2]": "4:3",
    "l[2][0]": "4:4",
    "l[2][1]": "4:7",
    "l[3]": "5:3",
    "l[3].x": "5:5",
    "l[3].y": "5:12",
    "l[3].y.z": "5:12",
    "l[3].y.z[0]": "5:19",
  });
});

test("strings hide what looks like TOML in them", () => {
  const texts = [
    's = """\n[x]\n""y" = 1\n"""',
    's = """a\\"""b = 1"""',
    's = """a\\\\"""',
    's = """""a"""""',
    "s = '''\n[x]\n''y = 1\n'''",
    "s = '''''a'''''",
    's = "a\\" # = [x]"',
    's = "\\\\"',
    "s = 'a\\'",
    's = ""',
    's = """"""',
    "s = ''''''",
  ];
  for (const text of texts) {
    const found = locate(`${text}\nlast = 1\n`);
    assert.equal(Object.keys(found), ["s", "last"], text);
  }
});

test("a byte order mark, CRLF and a shebang don't move anything", () => {
  assert.equal(locate("\uFEFFa = 1\r\n[b]\r\nc = [\r\n  1]\r\n"), {
    a: "1:2",
    b: "2:1",
    "b.c": "3:1",
    "b.c[0]": "4:3",
  });
  assert.equal(locate("#!/usr/bin/env -S tsjail --profile\na = 1"), { a: "2:1" });
});

test("dates, numbers and booleans end where they end", () => {
  const text = "d = 1979-05-27 07:32:00 # x\nn = [1_000, -inf, 0xff]\nb = true\ne = 1\n";
  assert.equal(Object.keys(locate(text)), ["d", "n", "n[0]", "n[1]", "n[2]", "b", "e"]);
});

/** All paths in a value, tables and lists included. */
function* walk(value: unknown, path: KeyPath = []): Generator<KeyPath> {
  if (path.length > 0) yield path;
  if (Array.isArray(value)) for (const [index, each] of value.entries()) yield* walk(each, [...path, index]);
  else if (typeof value === "object" && value !== null && !(value instanceof Date)) {
    for (const [name, each] of Object.entries(value)) yield* walk(each, [...path, name]);
  }
}

const name = fc.oneof(fc.stringMatching(/^[a-z_-]{1,6}$/), fc.string({ maxLength: 6 }));
const scalar = fc.oneof(
  fc.integer(),
  fc.boolean(),
  fc.string(),
  fc.constantFrom('"""', "'''", "[x]", "a = 1\n", "\\", "#", ']"'),
);
const { table } = fc.letrec<{ value: unknown; table: Record<string, unknown> }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4 },
    scalar,
    fc.array(tie("value"), { maxLength: 4 }),
    fc.array(tie("table"), { maxLength: 3 }),
    tie("table"),
  ),
  table: fc.dictionary(name, tie("value"), { maxKeys: 5 }),
}));

test("every key of a generated text is found, and on its line", () => {
  fc.assert(
    fc.property(table, (value) => {
      const text = stringify(value);
      const parsed = parse(text);
      const found = locateKeys(text);
      const lines = text.split("\n");
      for (const path of walk(parsed)) {
        const key = formatKey(path);
        const place = found.get(key);
        assert.ok(place, `${key} has no place in:\n${text}`);
        const rest = lines[(place?.line ?? 0) - 1]?.slice((place?.column ?? 0) - 1) ?? "";
        assert.ok(rest.length > 0, `${key} is behind its line in:\n${text}`);
        const last = path.at(-1);
        if (typeof last === "string" && /^[a-z_-]+$/.test(last))
          assert.ok(rest.includes(last), `${key} is not at ${rest}`);
      }
    }),
    { numRuns: 300 },
  );
});

test("a text that is not TOML neither throws nor hangs", () => {
  const piece = fc.constantFrom(
    "[",
    "]",
    "[[",
    "]]",
    "{",
    "}",
    "=",
    ",",
    ".",
    '"',
    '"""',
    "'",
    "'''",
    "\\",
    "\n",
    "#",
    "a",
    " ",
    "\0",
  );
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 40 }), (pieces) => locateKeys(pieces.join("")).size >= 0),
  );
  fc.assert(fc.property(fc.string({ unit: "binary", maxLength: 200 }), (text) => locateKeys(text).size >= 0));
});

test("a large text takes a moment only", { timeLimit: 10 }, () => {
  const quotes = `s = """${'a"'.repeat(400_000)}"""\nlast = 1\n`;
  assert.is(locateKeys(quotes).get("last")?.line, 2);
  const many = Array.from({ length: 20_000 }, (_, index) => `[[m]]\nk = ${index}`).join("\n");
  assert.is(locateKeys(many).get("m[19999].k")?.line, 40_000);
  const escapes = `s = "${"\\\\".repeat(400_000)}"\nlast = 1\n`;
  assert.is(locateKeys(escapes).get("last")?.line, 2);
});
