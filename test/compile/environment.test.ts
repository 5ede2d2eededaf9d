import * as assert from "../support/assert.ts";
import { suite } from "../support/suite.ts";
import { compileToml, debian, pick, quiet } from "./fixture.ts";

const test = suite("compile/environment");

function environment(
  toml: string,
  variables: Record<string, string> = {},
  host = debian,
): Record<string, string> {
  const all = { ...host, environment: { ...host.environment, ...variables } };
  const list = pick(compileToml(quiet + toml, all), "environment")[0]?.list ?? [];
  assert.equal(list, [...list].sort());
  return Object.fromEntries(
    list.map((line) => [line.slice(0, line.indexOf("=")), line.slice(line.indexOf("=") + 1)]),
  );
}

const defaults = {
  HOME: "/home/ann",
  LOGNAME: "ann",
  PATH: "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
  SHELL: "/bin/bash",
  USER: "ann",
};

test("nothing of the caller's is passed by default, but every program finds what it expects", () => {
  assert.equal(environment(""), defaults);
});

test("names and globs are passed, what matches none is not", () => {
  const passed = environment('env.pass = ["PATH", "L*", "GH_*"]\nenv.unset = ["*_TOKEN"]', {
    LC_ALL: "de",
    XLANG: "no",
    "L.X": "a\nb=c",
  });
  assert.equal(passed, {
    ...defaults,
    PATH: "/usr/bin:/bin",
    LANG: "C.UTF-8",
    LC_ALL: "de",
    "L.X": "a\nb=c",
  });
});

test("a dot in a name is a dot", () => {
  assert.is(environment('env.pass = ["L.NG"]').LANG, undefined);
  assert.is(environment('env.pass = ["LANG"]').LANG, "C.UTF-8");
});

test("without clear all is passed but what is unset", () => {
  const all = environment('env.clear = false\nenv.unset = ["GH_TOKEN", "SHELL"]');
  assert.equal(all, {
    HOME: "/home/ann",
    LANG: "C.UTF-8",
    LOGNAME: "ann",
    PATH: "/usr/bin:/bin",
    TERM: "xterm",
    USER: "ann",
  });
});

test("set comes last", () => {
  const set = environment('[env]\nunset = ["A", "HOME"]\nset = { A = "1", HOME = "/x", E = "" }');
  assert.equal(set, { ...defaults, HOME: "/x", A: "1", E: "" });
});

test("what belongs to this process alone stays here", () => {
  const sockets = { LISTEN_PID: "1", LISTEN_FDS: "2", LISTEN_FDNAMES: "a:b", TSJAIL_FRONT: "x" };
  const kept = environment("env.clear = false", sockets);
  for (const name of Object.keys(sockets)) assert.is(kept[name], undefined);
});

test("activated sockets are announced where they are passed on", () => {
  const sockets = { LISTEN_PID: "1", LISTEN_FDS: "2", LISTEN_FDNAMES: "a:b" };
  const toml = "process.listen_fds = true";
  const announced = environment(toml, sockets, { ...debian, listenFds: 2 });
  assert.equal(announced, { ...defaults, LISTEN_FDS: "2", LISTEN_FDNAMES: "a:b" });
  assert.equal(environment(toml, sockets), defaults);
});
