import * as assert from "../support/assert.ts";
import { suite } from "../support/suite.ts";
import { compileToml, debian, pick, quiet } from "./fixture.ts";

const test = suite("compile/environment");

const environment = (toml: string, host = debian) => {
  const [operation] = pick(compileToml(quiet + toml, host), "environment");
  if (operation === undefined) throw new Error("no environment");
  const { op: _op, origin: _origin, ...lists } = operation;
  assert.equal(lists.list, [...lists.list].sort());
  assert.equal(lists.defaults, [...lists.defaults].sort());
  return lists;
};

const path = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
const defaults = ["HOME=/home/ann", "LOGNAME=ann", path, "SHELL=/bin/bash", "USER=ann"];
const nothing = { list: [], pass: [], unset: [], defaults };

test("nothing of the caller's is passed by default, but every program finds what it expects", () => {
  assert.equal(environment(""), nothing);
});

test("names and globs are passed as they stand, in order, for the executor to match", () => {
  const lists = environment('env.pass = ["PATH", "L*", "GH_*"]\nenv.unset = ["*_TOKEN"]');
  assert.equal(lists, { ...nothing, pass: ["GH_*", "L*", "PATH"], unset: ["*_TOKEN"] });
});

test("without clear all is passed but what is unset", () => {
  assert.equal(environment('env.clear = false\nenv.pass = ["LANG"]\nenv.unset = ["GH_TOKEN"]'), {
    ...{ ...nothing, pass: ["*"], unset: ["GH_TOKEN"] },
  });
});

test("what is unset has no default either; a dot in a pattern is a dot", () => {
  const { defaults: left } = environment('env.unset = ["HO*", "SHELL", "U.ER", "*NAME"]');
  assert.equal(left, [path, "USER=ann"]);
});

test("what is set needs no default, and unset does not take it away", () => {
  const lists = environment('[env]\nunset = ["A", "HOME"]\nset = { A = "1", HOME = "/x", E = "" }');
  assert.equal(lists.list, ["A=1", "E=", "HOME=/x"]);
  assert.equal(lists.defaults, defaults.slice(1));
});

test("activated sockets are announced where they are passed on", () => {
  const host = { ...debian, listenFds: 2, listenFdNames: "a:b" };
  const toml = "process.listen_fds = true";
  assert.equal(environment(toml, host), { ...nothing, list: ["LISTEN_FDNAMES=a:b", "LISTEN_FDS=2"] });
  assert.equal(environment(toml, { ...debian, listenFds: 1 }).list, ["LISTEN_FDS=1"]);
  assert.equal(environment(toml), nothing);
  assert.equal(environment("", host), nothing);
});
