import { chmodSync, existsSync, lstatSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { makeDirectories } from "../src/directory.ts";
import * as assert from "./support/assert.ts";
import { makeDirectory, removeDirectory } from "./support/jail.ts";
import { suite, type TestContext } from "./support/suite.ts";

const test = suite("directory");
const fails = (code: string) => (error: Error) => "code" in error && error.code === code;

function makeScratch({ cleanup }: TestContext): string {
  const directory = makeDirectory("mkdir");
  cleanup(() => removeDirectory(directory));
  return directory;
}

test("makes what is missing, for the caller alone, and says so", (context) => {
  const directory = makeScratch(context);
  const path = join(directory, "a/b/c");
  assert.equal([makeDirectories(path), makeDirectories(path)], [true, false]);
  for (const name of ["a", "a/b", "a/b/c"]) assert.is(lstatSync(join(directory, name)).mode & 0o777, 0o700);
  assert.is(makeDirectories("/"), false);
});

test("leaves the mode of what exists, and passes through links", (context) => {
  const directory = makeScratch(context);
  mkdirSync(join(directory, "real"));
  chmodSync(join(directory, "real"), 0o755);
  symlinkSync("real", join(directory, "link"));
  assert.is(makeDirectories(join(directory, "link/x")), true);
  assert.ok(existsSync(join(directory, "real/x")));
  assert.is(lstatSync(join(directory, "real")).mode & 0o777, 0o755);
});

test("ends with an error where nothing can be made", (context) => {
  const directory = makeScratch(context);
  writeFileSync(join(directory, "file"), "");
  symlinkSync("nowhere", join(directory, "dangling"));
  assert.throws(() => makeDirectories(join(directory, "file/x")), fails("EEXIST"));
  assert.throws(() => makeDirectories(join(directory, "dangling/x")), fails("EEXIST"));
  // Node's own `recursive` does not come back from here.
  assert.throws(() => makeDirectories("/proc/self/x/y"), fails("ENOENT"));
});
