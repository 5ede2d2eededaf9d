import {
  comparePaths,
  depthOf,
  isBelow,
  joinPath,
  listAncestors,
  moveBelow,
  nameOf,
  parentOf,
} from "../../src/compile/path.ts";
import * as assert from "../support/assert.ts";
import { suite } from "../support/suite.ts";

const test = suite("compile/path");

test("a path is taken apart", () => {
  assert.equal(["/", "/a", "/a/b"].map(depthOf), [0, 1, 2]);
  assert.equal(["/", "/a", "/a/b"].map(parentOf), ["/", "/", "/a"]);
  assert.is(nameOf("/a/b"), "b");
  assert.equal(listAncestors("/a/b/c"), ["/a", "/a/b"]);
  assert.equal(listAncestors("/a"), []);
});

test("below is below, not beside and not the same", () => {
  assert.ok(isBelow("/a/b", "/a"));
  assert.ok(isBelow("/a", "/"));
  assert.not.ok(isBelow("/ab", "/a"));
  assert.not.ok(isBelow("/a", "/a"));
  assert.not.ok(isBelow("/", "/"));
});

test("paths are joined and moved without double slashes", () => {
  assert.is(joinPath("/", "a"), "/a");
  assert.is(joinPath("/a", "/b"), "/a/b");
  assert.is(joinPath("/a", ""), "/a");
  assert.is(joinPath("/", ""), "/");
  assert.is(moveBelow("/a/b", "/a", "/x"), "/x/b");
  assert.is(moveBelow("/a", "/a", "/"), "/");
  assert.is(moveBelow("/a/b", "/", "/x"), "/x/a/b");
});

test("shallow sorts before deep, then by name", () => {
  assert.equal(["/b/a", "/c", "/a/z", "/b"].sort(comparePaths), ["/b", "/c", "/a/z", "/b/a"]);
});
