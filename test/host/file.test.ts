import { execFileSync } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { maxFileBytes, readEntries, readFile } from "../../src/host/file.ts";
import * as assert from "../support/assert.ts";
import { suite } from "../support/suite.ts";

const test = suite("host/file");

function makeDirectory(cleanup: (work: () => unknown) => void): string {
  const directory = mkdtempSync(join(tmpdir(), "file-"));
  cleanup(() => rmSync(directory, { recursive: true }));
  return directory;
}

test("every byte of a file comes back", ({ cleanup }) => {
  const path = join(makeDirectory(cleanup), "bytes");
  const bytes = Buffer.from(Array.from({ length: 256 }, (_, index) => index));
  writeFileSync(path, bytes);
  const fact = readFile(path);
  assert.is(fact.kind, "content");
  assert.ok(fact.kind === "content" && Buffer.from(fact.content, "latin1").equals(bytes));
});

test("what can't be read is a fact with its reason", ({ cleanup }) => {
  const directory = makeDirectory(cleanup);
  assert.equal(readFile(join(directory, "none")), { kind: "absent" });
  assert.equal(readFile(directory), { kind: "unreadable", code: "EISDIR" });
  writeFileSync(join(directory, "file"), "");
  assert.equal(readFile(join(directory, "file/below")), { kind: "unreadable", code: "ENOTDIR" });
  truncateSync(join(directory, "file"), maxFileBytes + 1);
  assert.equal(readFile(join(directory, "file")), { kind: "unreadable", code: "EFBIG" });
});

test("a FIFO does not hang the reader", { timeLimit: 5 }, ({ cleanup }) => {
  const path = join(makeDirectory(cleanup), "fifo");
  execFileSync("mkfifo", [path]);
  assert.equal(readFile(path), { kind: "unreadable", code: "EINVAL" });
});

test.needs("user")("a file without permission is unreadable, and readable with it", ({ cleanup }) => {
  const path = join(makeDirectory(cleanup), "closed");
  writeFileSync(path, "text");
  chmodSync(path, 0);
  assert.equal(readFile(path), { kind: "unreadable", code: "EACCES" });
  chmodSync(path, 0o400);
  assert.equal(readFile(path), { kind: "content", content: "text" });
});

test("entries are sorted and of four kinds", ({ cleanup }) => {
  const directory = makeDirectory(cleanup);
  mkdirSync(join(directory, "usr"));
  writeFileSync(join(directory, "file"), "");
  symlinkSync("usr/bin", join(directory, "bin"));
  execFileSync("mkfifo", [join(directory, "fifo")]);
  assert.equal(readEntries(directory), {
    kind: "entries",
    entries: [
      { name: "bin", kind: "symlink", target: "usr/bin" },
      { name: "fifo", kind: "other" },
      { name: "file", kind: "file" },
      { name: "usr", kind: "directory" },
    ],
  });
});

test("an entry whose name is not UTF-8 is none that a plan could name", ({ cleanup }) => {
  const directory = makeDirectory(cleanup);
  mkdirSync(Buffer.concat([Buffer.from(`${directory}/x`), Buffer.from([0xff])]));
  const fact = readEntries(directory);
  assert.ok(fact.kind === "entries" && fact.entries.every(({ kind }) => kind === "other"));
});

test("a missing directory is absent", () => {
  assert.equal(readEntries("/nonexistent/directory"), { kind: "absent" });
});

test("a link out of the root that a file has to be in is not followed, one inside it is", ({ cleanup }) => {
  const directory = makeDirectory(cleanup);
  mkdirSync(join(directory, "root"));
  writeFileSync(join(directory, "secret"), "secret");
  writeFileSync(join(directory, "root/open"), "open");
  symlinkSync("../secret", join(directory, "root/out"));
  symlinkSync("open", join(directory, "root/in"));
  const root = join(directory, "root");
  assert.equal(readFile(join(root, "out"), root), { kind: "unreadable", code: "EXDEV" });
  assert.equal(readFile(join(root, "in"), root), { kind: "content", content: "open" });
});
