// The nearest word: near enough to be a slip, or none.
import fc from "fast-check";
import { findNearest, nearestHint } from "../../src/profile/nearest.ts";
import * as assert from "../support/assert.ts";
import { suite } from "../support/suite.ts";

const test = suite("nearest");

test("a slip of the fingers is recognized, another word is not", () => {
  const known = ["read", "write", "hide", "tmpfs"];
  assert.is(findNearest("raed", known), "read");
  assert.is(findNearest("wirte", known), "write");
  assert.is(findNearest("HIDE", known), "hide");
  assert.is(findNearest("tmps", known), "tmpfs");
  assert.is(findNearest("network", known), undefined);
  assert.is(findNearest("", known), undefined);
  assert.is(findNearest("kill-after", ["kill_after"]), "kill_after");
});

test("the hint is a question, or nothing", () => {
  assert.is(nearestHint("raed", ["read"]), '; did you mean "read"?');
  assert.is(nearestHint("zzzz", ["read"]), "");
  assert.is(nearestHint(undefined, ["read"]), "");
});

test("a known word is its own nearest, however long the other words are", () => {
  const word = fc.string({ minLength: 1, maxLength: 20 });
  fc.assert(
    fc.property(word, fc.array(fc.string({ maxLength: 2000 })), (known, others) => {
      const found = findNearest(known, [...others, known]);
      assert.is(found?.toLowerCase().replaceAll("-", "_"), known.toLowerCase().replaceAll("-", "_"));
    }),
  );
});
