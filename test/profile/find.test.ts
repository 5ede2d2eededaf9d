// Where profiles are looked for, and what is said when there is none.
import { chmodSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { formatError } from "../../src/error.ts";
import { findProfile } from "../../src/profile/find.ts";
import * as assert from "../support/assert.ts";
import { suite } from "../support/suite.ts";
import { catchError, catchMessage, type Directory, makeDirectory } from "./directory.ts";

const test = suite("find");

const find = (directory: Directory, name: string) => {
  const { path, file, isShipped, shadows } = findProfile(name, directory.request());
  return { path: path.slice(directory.path.length + 1), file, isShipped, shadows };
};

test("a path is taken as it is, from the current directory", (context) => {
  const directory = makeDirectory(context, { "work/sub/a.toml": "", b: "", "work/a.toml": "" });
  assert.equal(find(directory, "sub/a.toml"), {
    path: "work/sub/a.toml",
    file: "sub/a.toml",
    isShipped: false,
    shadows: undefined,
  });
  assert.is(find(directory, "../b").path, "b");
  assert.is(find(directory, "./a.toml").path, "work/a.toml");
  assert.is(catchError(() => find(directory, "./a")).code, "profile_not_found", "a path gets no .toml");
});

test("a name is looked for here, then in the user's directory, then among the shipped", (context) => {
  const directory = makeDirectory(context, { "shipped/p.toml": "" });
  assert.equal(find(directory, "p"), {
    path: "shipped/p.toml",
    file: "p",
    isShipped: true,
    shadows: undefined,
  });
  directory.write("home/.config/tsjail/p.toml", "");
  assert.is(find(directory, "p").path, "home/.config/tsjail/p.toml");
  assert.is(find(directory, "p.toml").path, "home/.config/tsjail/p.toml");
  directory.environment.XDG_CONFIG_HOME = join(directory.path, "conf");
  assert.is(find(directory, "p").path, "shipped/p.toml");
  directory.write("work/p.toml", "");
  assert.equal(find(directory, "p"), { path: "work/p.toml", file: "p.toml", isShipped: false, shadows: "p" });
  assert.is(find(directory, "p.toml").shadows, undefined, "with its .toml it is meant as a file");
});

test("a file without .toml comes last, and a directory is no profile", (context) => {
  const directory = makeDirectory(context, { "work/base": "#!/bin/sh", "work/own": "" });
  assert.is(find(directory, "base").isShipped, true);
  assert.is(find(directory, "own").path, "work/own");
  mkdirSync(join(directory.path, "work/dir.toml"));
  assert.is(catchError(() => find(directory, "dir")).code, "profile_not_found");
});

test("a profile that is nowhere is an error with all places and the nearest name", (context) => {
  const directory = makeDirectory(context, { "shipped/offline.toml": "", "work/project.toml": "" });
  const error = catchError(() => find(directory, "ofline"));
  assert.is(error.code, "profile_not_found");
  const message = formatError(error);
  assert.match(message, 'There is no profile "ofline". Did you mean "offline"?');
  for (const place of [
    "work/ofline.toml",
    "home/.config/tsjail/ofline.toml",
    "shipped/ofline.toml",
    "work/ofline",
  ]) {
    assert.match(message, join(directory.path, place));
  }
  assert.match(catchError(() => find(directory, "./projekt.toml")).message, 'Did you mean "project.toml"?');
  assert.match(catchError(() => find(directory, "zzzzzz")).message, /"zzzzzz"\.$/);
});

test("without a home directory the user's place is passed over", (context) => {
  const directory = makeDirectory(context);
  delete directory.environment.HOME;
  assert.is(find(directory, "base").isShipped, true);
});

test.needs("user")("a place that can't be looked at is an error that says how to go on", (context) => {
  const directory = makeDirectory(context, { "home/.config/tsjail/other.toml": "" });
  const close = (name: string) => {
    chmodSync(join(directory.path, name), 0);
    context.cleanup(() => chmodSync(join(directory.path, name), 0o755));
  };
  assert.is(find(directory, "base").isShipped, true);
  close("home");
  const error = catchError(() => find(directory, "base"));
  assert.is(error.code, "profile_unreadable");
  assert.match(formatError(error), "home/.config/tsjail/base.toml can't be seen: permission denied");
  assert.match(error.hint ?? "", `HOME is ${directory.environment.HOME}, where you may not look`);
  assert.match(error.hint ?? "", `--profile ${join(directory.path, "shipped/base.toml")}`);
  assert.is(find(directory, join(directory.path, "shipped/base.toml")).isShipped, false);
  directory.environment.XDG_CONFIG_HOME = join(directory.path, "home/conf");
  assert.match(catchError(() => find(directory, "base")).hint ?? "", "XDG_CONFIG_HOME is");
  directory.environment.XDG_CONFIG_HOME = join(directory.path, "conf");
  assert.is(find(directory, "base").isShipped, true);
  assert.is(directory.load().name, "base");
  close("work");
  assert.match(
    catchMessage(() => find(directory, "base")),
    /work\/base\.toml can't be seen[\s\S]*hint: cd /,
  );
  assert.match(
    catchMessage(() => directory.load()),
    /work\/tsjail\.toml can't be seen[\s\S]*hint: cd /,
  );
});

test("names that make no sense are errors, not crashes", (context) => {
  const directory = makeDirectory(context);
  for (const name of ["", "a\0b", "x".repeat(5000), "../../nope", "/", ".", "..", "\x1b[31m"]) {
    const error = catchError(() => directory.load(name));
    assert.match(error.code, /^(usage|profile_not_found|profile_unreadable)$/, name);
    assert.not.match(formatError(error), /\x1b/);
  }
});
