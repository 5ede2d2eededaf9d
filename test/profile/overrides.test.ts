// What the command line changes: one more layer on top of the files.
import { join } from "node:path";
import type { Override } from "../../src/profile/load.ts";
import * as assert from "../support/assert.ts";
import { suite } from "../support/suite.ts";
import { catchError, type Directory, makeDirectory } from "./directory.ts";

const test = suite("overrides");

const set = (key: string, value: unknown): Override => ({
  key,
  value,
  option: `--set ${key}=${String(value)}`,
});
const files = {
  "work/a.toml": 'command = ["a"]\n[files]\nread = ["/a"]\n[env.set]\nA = "a"\n[[mount]]\ntype = "proc"\n',
};
const load = (directory: Directory, ...overrides: Override[]) => directory.load("./a.toml", overrides);

test("a value replaces the file's, and its origin is the option", (context) => {
  const directory = makeDirectory(context, files);
  const { profile, origin } = load(directory, set("hostname", "box"), set("command", ["b", "c"]));
  assert.is(profile.hostname, "box");
  assert.equal(profile.command, ["b", "c"]);
  assert.equal(origin("hostname"), { file: "command line", key: "--set hostname=box", layer: 1 });
  assert.equal(origin("command[1]"), { file: "command line", key: "--set command=b,c", layer: 1 });
  assert.is(origin("files.read[0]").layer, 0);
});

test("paths, mounts and variables go on top of the file's", (context) => {
  const { profile, origin } = load(
    makeDirectory(context, files),
    set("files.read", ["/b"]),
    { key: "mount", value: { type: "tmpfs", target: "/t" }, option: "--tmpfs /t" },
    { key: "env.set", value: { B: "b" }, option: "--env B=b" },
  );
  assert.equal(profile.files.read, ["/a", "/b"]);
  assert.equal(
    profile.mount.map(({ type }) => type),
    ["proc", "tmpfs"],
  );
  assert.equal(profile.env.set, { A: "a", B: "b" });
  assert.is(origin("mount[1].target").key, "--tmpfs /t");
  assert.is(origin("env.set.B").key, "--env B=b");
  assert.is(origin("env.set.A").file, "./a.toml");
});

test("a plus puts a value on the end of any list, and of nothing else", (context) => {
  const directory = makeDirectory(context, files);
  const { profile } = load(
    directory,
    set("command+", "b"),
    set("network.dns+", ["9.9.9.9"]),
    set("network.dns+", "::1"),
  );
  assert.equal(profile.command, ["a", "b"]);
  assert.equal(profile.network.dns, ["9.9.9.9", "::1"]);
  assert.equal(load(directory, set("command", "b")).profile.command, ["b"]);
  assert.match(catchError(() => load(directory, set("hostname+", "x"))).message, "hostname is not a list");
});

test("a number or a boolean becomes the string that was written where a string is wanted", (context) => {
  const { profile } = load(
    makeDirectory(context, files),
    set("env.set.PORT", 8080),
    { key: "env.set.VERSION", value: 1.1, option: "--set env.set.VERSION=1.10" },
    set("env.set.CI", true),
    set("hostname", 42),
    set("rlimits.nofile", 512),
  );
  assert.equal(profile.env.set, { A: "a", PORT: "8080", VERSION: "1.10", CI: "true" });
  assert.is(profile.hostname, "42");
  assert.equal(profile.rlimits.nofile, { soft: 512, hard: 512 });
});

test("variables are replaced in a --set, and left alone where the shell has been", (context) => {
  const directory = makeDirectory(context, files);
  const { profile } = load(directory, set("files.read", ["~/x", "$PWD"]), {
    key: "env.set",
    value: { PS1: "$HOME $$ ~" },
    option: "--env PS1=$HOME $$ ~",
  });
  assert.equal(profile.files.read, ["/a", join(directory.path, "home/x"), join(directory.path, "work")]);
  assert.is(profile.env.set.PS1, "$HOME $$ ~");
  assert.is(catchError(() => load(directory, set("hostname", "$NOPE"))).code, "variable_unset");
});

test("a key that there is not is a usage error with the nearest one", (context) => {
  const directory = makeDirectory(context, files);
  const bad: [string, RegExp][] = [
    ["hostnam", /--set hostnam=x: hostnam is not a key of profiles; did you mean "hostname"\?/],
    ["file.read", /did you mean "files\.read"\?/],
    ["timeout", /did you mean "process\.timeout"\?/],
    ["a b", /this is no key/],
    ["", /this is no key/],
    ["mount[0].target", /one element of a list/],
    ["extends", /extends is a matter of files/],
    ["hostname.x", /hostname\.x is not a key/],
  ];
  for (const [key, message] of bad) {
    const error = catchError(() => load(directory, set(key, "x")));
    assert.is(error.code, "usage", key);
    assert.match(error.message, message);
  }
});

test("a value that doesn't fit is an error that names the option", (context) => {
  const directory = makeDirectory(context, files);
  const error = catchError(() => load(directory, set("network.mode", "hots")));
  assert.is(error.code, "profile_invalid");
  assert.match(error.message, 'network.mode must be "none" or "host"; did you mean "host"?');
  assert.equal(error.origin, { file: "command line", key: "--set network.mode=hots", layer: 1 });
  assert.match(catchError(() => load(directory, set("env.set.__proto__", "x"))).message, "can't be used");
});
