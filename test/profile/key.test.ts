// Keys as text and as paths: one form comes back from the other.
import fc from "fast-check";
import { formatKey, parseKey } from "../../src/profile/key.ts";
import * as assert from "../support/assert.ts";
import { suite } from "../support/suite.ts";

const test = suite("key");

test("a key is written as in TOML, with indexes in brackets", () => {
  assert.is(formatKey(["files", "write", 2]), "files.write[2]");
  assert.is(formatKey(["mount", 0, "target"]), "mount[0].target");
  assert.is(formatKey(["env", "set", "a.b"]), 'env.set."a.b"');
  assert.is(formatKey(["env", "set", ""]), 'env.set.""');
});

test("a name that would disturb a terminal is escaped", () => {
  assert.is(formatKey(["a\x1b[31m\u202eb"]), '"a\\u001b[31m\\u202eb"');
});

test("every quoting of TOML is understood", () => {
  assert.equal(parseKey("env.set.'a.b'"), ["env", "set", "a.b"]);
  assert.equal(parseKey(' a . "b c" '), ["a", "b c"]);
});

test("what is no key is none", () => {
  for (const bad of ["", ".", "a.", ".a", "a..b", "[0]", "a b", 'a"b"', "a[x]", "a[", 'a."\\q"', "ä"]) {
    assert.is(parseKey(bad), undefined, bad);
  }
});

test("a written key is read back as the same path", () => {
  const name = fc.string({ unit: "binary" });
  const rest = fc.array(fc.oneof(name, fc.nat(1000)), { maxLength: 5 });
  fc.assert(
    fc.property(name, rest, (first, parts) => {
      const path = [first, ...parts];
      assert.equal(parseKey(formatKey(path)), path);
    }),
  );
});
