import { hostNeeds, rootDirectory } from "../../src/host/needs.ts";
import { loadToml } from "../compile/fixture.ts";
import * as assert from "../support/assert.ts";
import { suite } from "../support/suite.ts";

const test = suite("host/needs");

const needs = (toml: string) => hostNeeds(loadToml(toml).profile);
const has = (list: ReturnType<typeof needs>["paths"], root: string, path: string) =>
  list.some((each) => each.root === root && each.path === path);

test("the host's tree needs the listing of /, and its user database", () => {
  const { root, rootFiles, files } = needs("");
  assert.is(root, "/");
  assert.equal(rootFiles, ["/etc/group", "/etc/passwd"]);
  assert.equal(files, []);
});

test("an empty root needs nothing of the kind, a directory its own", () => {
  assert.is(needs('root.type = "empty"').root, undefined);
  assert.equal(needs('root.type = "empty"').rootFiles, []);
  const directory = needs('root = { type = "directory", path = "/srv/debian" }');
  assert.is(directory.root, "/srv/debian");
  assert.ok(has(directory.paths, "/srv/debian", "/etc/resolv.conf"));
  assert.is(rootDirectory(loadToml('root.type = "empty"').profile, undefined), undefined);
});

test("the host network needs the host's name resolution", () => {
  assert.equal(needs('network.mode = "host"').files, ["/etc/hosts", "/etc/resolv.conf"]);
});

test("a file mount needs its source", () => {
  const { files } = needs('[[mount]]\ntype = "file"\ntarget = "/etc/motd"\nsource = "/srv/motd"\n');
  assert.equal(files, ["/srv/motd"]);
});

test("links matter on the way to every path, and below the sources of binds", () => {
  const { paths } = needs(
    '[files]\nhide = ["/home/ann/.ssh"]\n[[mount]]\ntype = "bind"\nsource = "/data/ann"\ntarget = "/home/ann"\n',
  );
  assert.ok(has(paths, "/", "/home/ann/.ssh"));
  assert.ok(has(paths, "/", "/data/ann"));
  assert.ok(has(paths, "/", "/data/ann/.ssh"));
  assert.not.ok(has(paths, "/", "/other"));
});

test("it matters what is hidden, and in a writable root what is bound", () => {
  const files = '[files]\nwrite = ["/a/b"]\nhide = ["/h"]\n[root]\ntype = "directory"\npath = "/r"\n';
  assert.equal(needs(files).kinds[0], { root: "/r", path: "/h" });
  assert.not.ok(has(needs(files).kinds, "/", "/a/b"));
  assert.equal(needs(`${files}writable = "yes"`).kinds, [
    { root: "/r", path: "/h" },
    { root: "/", path: "/a/b" },
  ]);
});

test("in a root that can't be written to, it matters which generated files have a place", () => {
  const directory = 'root = { type = "directory", path = "/r" }\n';
  assert.is(needs(directory).etc, "/r/etc");
  assert.ok(has(needs(directory).kinds, "/r", "/etc/hosts"));
  const bound = needs(`${directory}[[mount]]\ntype = "bind"\nsource = "/srv/etc"\ntarget = "/etc"\n`);
  assert.ok(has(bound.kinds, "/", "/srv/etc/hosts"));
  const writable = needs('root = { type = "directory", path = "/r", writable = "yes" }');
  assert.is(writable.etc, undefined);
  assert.equal(writable.kinds, []);
  assert.is(needs('root.type = "empty"').etc, undefined);
});
