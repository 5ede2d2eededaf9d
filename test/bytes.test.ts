// What is read of an open file, with and without an end that is known. In: files of the test's own, and one of /proc.
import { closeSync, openSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { readBytes } from "../src/bytes.ts";
import * as assert from "./support/assert.ts";
import { makeDirectory, removeDirectory } from "./support/jail.ts";
import { suite } from "./support/suite.ts";

const test = suite("bytes");

function read(path: string, most: number): string {
  const descriptor = openSync(path, "r");
  try {
    return Buffer.from(readBytes(descriptor, most)).toString();
  } finally {
    closeSync(descriptor);
  }
}

test("a file is read to its end, and never further than is said", ({ cleanup }) => {
  const directory = makeDirectory("bytes");
  cleanup(() => removeDirectory(directory));
  const file = join(directory, "file");
  const text = "0123456789".repeat(20_000);
  writeFileSync(file, text);
  assert.is(read(file, text.length + 1), text);
  assert.is(read(file, text.length), text);
  assert.is(read(file, 12), "012345678901");
  assert.is(read(file, 0), "");
});

test("a file of /proc, which says that it has no size, is read as well", () => {
  assert.match(read("/proc/self/limits", 4096), /^Max open files\s+\d+/m);
  assert.throws(() => read("/", 1), /EISDIR/);
});
