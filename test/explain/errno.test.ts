// In: numbers. Out: the names that Node knows as well.
import { constants } from "node:os";
import { formatOrigin } from "../../src/error.ts";
import { findErrno, formatErrno, numberErrno } from "../../src/explain/errno.ts";
import { wrapText } from "../../src/explain/layout.ts";
import { parseOrigin } from "../../src/explain/origin.ts";
import * as assert from "../support/assert.ts";
import { suite } from "../support/suite.ts";

const test = suite("explain/errno");

test("names and numbers are those of this machine", () => {
  for (const [name, number] of Object.entries(constants.errno)) {
    const known = findErrno(number as number).name;
    assert.ok(known === name || ["EWOULDBLOCK", "ENOTSUP"].includes(name), `${name} is ${known}`);
  }
  assert.is(numberErrno("EUSERS"), 87);
});

test("an unknown number is told as such", () => {
  assert.is(formatErrno(2), "ENOENT (2): no such file or directory");
  assert.is(formatErrno(600), "errno 600 (600): unknown error");
});

test("an origin is the same after it was taken apart", () => {
  for (const text of [
    "files.write[2] in dev.toml:14",
    "command line",
    "--bind /a in b in command line",
    "x in /a b/c:d",
  ]) {
    const origin = parseOrigin(text);
    assert.is(origin && formatOrigin(origin), text);
  }
  assert.equal(parseOrigin("a in b.toml:7"), { file: "b.toml", key: "a", line: 7 });
  assert.is(parseOrigin("hostname in default")?.file, "tsjail's defaults");
  assert.is(parseOrigin(""), undefined);
});

test("sentences are wrapped, and commands stay whole", () => {
  assert.is(wrapText("one two three\n  a command with words", 8), "one two\nthree\n  a command with words");
});
