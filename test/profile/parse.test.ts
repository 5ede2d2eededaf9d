// Files and texts that are no profiles: each is one clear error, never a hang or a crash.
import { execFileSync } from "node:child_process";
import { chmodSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { formatError } from "../../src/error.ts";
import {
  decodeSource,
  maxProfileBytes,
  parseToml,
  readSource,
  type Source,
} from "../../src/profile/parse.ts";
import * as assert from "../support/assert.ts";
import { suite } from "../support/suite.ts";
import { catchError, makeDirectory } from "./directory.ts";

const test = suite("parse");

const source = (bytes: Uint8Array): Source => ({
  path: "/x",
  realPath: "/x",
  file: "x.toml",
  isShipped: false,
  bytes,
});

test("a syntax error has file, line, column, the line itself and a caret below the place", () => {
  const error = catchError(() => parseToml("a = 1\nb = [1,\nc == 2\n", "dir/dev.toml"));
  assert.is(error.code, "profile_syntax");
  assert.is(error.origin?.file, "dir/dev.toml");
  const [first = "", line = "", caret = ""] = formatError(error).split("\n");
  const place = /^dir\/dev\.toml:(\d+):(\d+) is not valid TOML: /.exec(first);
  assert.ok(place, first);
  assert.is(Number(place?.[1]), error.origin?.line);
  assert.ok(line.startsWith(`  ${error.origin?.line} | `), line);
  const margin = line.indexOf("| ") + 2;
  assert.is(caret.indexOf("^"), margin + (error.origin?.column ?? 0) - 1);
});

test("the caret stands below its place after tabs, and a long line is cut around it", () => {
  const tabs = formatError(catchError(() => parseToml('\t\ta = "\\q"', "x.toml"))).split("\n");
  assert.is(tabs[1]?.[tabs[2]?.indexOf("^") ?? 0], tabs[1]?.at(tabs[2]?.indexOf("^") ?? 0));
  const long = formatError(catchError(() => parseToml(`a = "${"x".repeat(5000)}\\q"`, "x.toml"))).split("\n");
  assert.ok((long[1] ?? "").length < 150);
  assert.match(long[1] ?? "", "…");
  assert.match((long[1] ?? "").slice((long[2] ?? "").indexOf("^") - 2), /^.?\\?.?q/);
});

test("a line that would disturb a terminal is shown without what disturbs", () => {
  const message = formatError(catchError(() => parseToml('a = "\x1b[31m\u202e', "x\x1b.toml")));
  assert.not.match(message, /[\x1b\u202e]/);
});

test("what TOML forbids is an error, its twin is not", () => {
  const pairs: [string, string][] = [
    ["a = 1\na = 2", "a = 1\nb = 2"],
    ["[a]\n[a]", "[a]\n[b]"],
    ["a = 1\n[a]\nb = 1", "[a]\nb = 1"],
    ["a = '\0'", "a = '0'"],
    ['a = "\x01"', 'a = "\\u0001"'],
    ["a = 1 b = 2", "a = 1\nb = 2"],
    ["a = 99999999999999999999", "a = 9"],
    [`a = ${"[".repeat(100)}${"]".repeat(100)}`, `a = ${"[".repeat(20)}${"]".repeat(20)}`],
    [`a = ${"{a=".repeat(5000)}1${"}".repeat(5000)}`, "a = {a=1}"],
    ["a = 1\rb = 2", "a = 1\r\nb = 2"],
  ];
  for (const [bad, good] of pairs) {
    assert.is(catchError(() => parseToml(bad, "x")).code, "profile_syntax", bad.slice(0, 40));
    assert.ok(parseToml(good, "x"));
  }
});

test("a byte order mark, CRLF and a shebang are let through", () => {
  assert.is(parseToml(decodeSource(source(Buffer.from("\uFEFFa = 1\r\n"))), "x").a, 1);
  assert.is(parseToml("#!/usr/bin/env -S tsjail --profile\na = 1", "x").a, 1);
});

test("bytes that are not UTF-8 are an error with their line", () => {
  const bytes = Buffer.concat([Buffer.from('a = "ä"\nb = "'), Buffer.from([0xff]), Buffer.from('"\n')]);
  const error = catchError(() => decodeSource(source(bytes)));
  assert.is(error.code, "profile_syntax");
  assert.match(error.message, "x.toml:2:6 is not valid TOML: this is not UTF-8");
  for (const bad of [
    [0xc0, 0x80],
    [0xed, 0xa0, 0x80],
    [0xf5, 0x80, 0x80, 0x80],
    [0xe2, 0x82],
  ]) {
    assert.is(catchError(() => decodeSource(source(Buffer.from(bad)))).code, "profile_syntax");
  }
});

test("a key called __proto__ is a key like any other", () => {
  const table = parseToml(
    '__proto__ = { polluted = true }\n[constructor]\nprototype = 1\n["__proto__2"]\n',
    "x",
  );
  assert.equal(Object.keys(table).sort(), ["__proto__", "__proto__2", "constructor"]);
  assert.is(({} as Record<string, unknown>).polluted, undefined);
});

test("any text is a table or a profile_syntax error", () => {
  const piece = fc.oneof(
    fc.constantFrom(
      "[",
      "]",
      "{",
      "}",
      "=",
      ",",
      ".",
      '"',
      "'''",
      "\n",
      "#",
      "a",
      "1",
      "__proto__",
      "\0",
      "\r",
      "\uFEFF",
    ),
    fc.string({ unit: "binary", maxLength: 4 }),
  );
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 30 }), (pieces) => {
      try {
        parseToml(pieces.join(""), "x");
      } catch (error) {
        assert.is((error as { code?: string }).code, "profile_syntax", String(error));
      }
    }),
    { numRuns: 500 },
  );
});

test("only a regular file of a sensible size is read", (context) => {
  const { path, write } = makeDirectory(context, { "good.toml": "a = 1" });
  const read = (name: string) => readSource(join(path, name), name, false);
  assert.is(Buffer.from(read("good.toml").bytes).toString(), "a = 1");
  mkdirSync(join(path, "dir.toml"));
  execFileSync("mkfifo", [join(path, "fifo.toml")]);
  write("large.toml", Buffer.alloc(maxProfileBytes + 1, "#"));
  write("full.toml", Buffer.alloc(maxProfileBytes, "#"));
  assert.is(read("full.toml").bytes.length, maxProfileBytes);
  const expected: [string, RegExp][] = [
    ["none.toml", /it does not exist/],
    ["dir.toml", /is a directory/],
    ["fifo.toml", /is not a regular file/],
    ["large.toml", /is larger than/],
    ["good.toml/x", /not a directory/],
  ];
  for (const [name, message] of expected) {
    const error = catchError(() => read(name));
    assert.is(error.code, "profile_unreadable");
    assert.match(error.message, message);
  }
});

test.needs("user")("a file that may not be read is an error", (context) => {
  const { path } = makeDirectory(context, { "secret.toml": "a = 1" });
  chmodSync(join(path, "secret.toml"), 0);
  assert.match(
    catchError(() => readSource(join(path, "secret.toml"), "secret.toml", false)).message,
    "permission denied",
  );
});
