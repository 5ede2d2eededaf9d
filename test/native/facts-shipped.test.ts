// Plans that are shipped (native/main.c): which files are taken for one, which are refused, and what their words mean.
// In: files of all kinds. Out: the command, or one line. What is compared then: facts.test.ts.
import { spawnSync } from "node:child_process";
import {
  chmodSync,
  chownSync,
  copyFileSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { encodePlan } from "../../src/plan/wire.ts";
import * as assert from "../support/assert.ts";
import { executor, makePlan, scratch } from "../support/executor.ts";
import { suite } from "../support/suite.ts";
import { expectRefusal, runWords } from "./run.ts";
import { expectDone, fact, run, ship } from "./shipped.ts";

const test = suite("native/facts: shipped");

const notOurs = (path: string) =>
  new RegExp(`^tsjail: ${path} is not used: others than you and root could write to it\\n$`);

test("a shipped plan that others could have written is not used", () => {
  const path = ship([]);
  for (const mode of [0o620, 0o602, 0o666, 0o777]) {
    chmodSync(path, mode);
    expectRefusal(run(path), notOurs(path), mode.toString(8));
  }
  for (const mode of [0o600, 0o644, 0o444, 0o755]) {
    chmodSync(path, mode);
    expectDone(run(path), mode.toString(8));
  }
});

test.needs("root")("a shipped plan is the caller's own or root's", ({ cleanup }) => {
  const path = ship([]);
  chownSync(path, 65534, 65534);
  expectRefusal(run(path), notOurs(path), "somebody's");
  chownSync(path, 0, 65534);
  expectDone(run(path), "root's");
  const place = mkdtempSync(join(tmpdir(), "tsjail-shipped-"));
  cleanup(() => rmSync(place, { recursive: true }));
  chmodSync(place, 0o755);
  const shared = join(place, "plan");
  // Whoever it is has no right to map root's ids: that it is tried says that the plan was taken.
  writeFileSync(shared, readFileSync(path), { mode: 0o644 });
  const tried = run(shared, { uid: 65534 });
  assert.not.match(tried.stderr, "is not used");
  chownSync(shared, 65533, 65533);
  expectRefusal(run(shared, { uid: 65534 }), notOurs(shared), "a third one's");
});

const noPlan = /^tsjail: this is the executor alone, .*\n$/;
/** Somewhere outside its package: whatever is no plan stops here. */
function alone(): string {
  const path = join(scratch(), "alone/tsjail");
  mkdirSync(dirname(path), { recursive: true });
  copyFileSync(executor(), path);
  return path;
}

test("a word without a slash is never a plan", () => {
  const path = ship([]);
  const wish = { cwd: scratch(), program: alone() };
  const name = path.slice(scratch().length + 1);
  expectRefusal(run(name, wish), noPlan, name);
  expectDone(run(`./${name}`, wish), "with one");
  expectDone(run(`../${scratch().split("/").pop()}/${name}`, wish), "with two");
  for (const words of [
    ["RUN", path],
    ["run", "--", path],
    ["run"],
    [path],
    ["-p", path],
    ["run", "-p", path],
  ]) {
    expectRefusal(runWords(words, wish), noPlan, words.join(" "));
  }
});

test("what is no plan is none of ours to run", { timeLimit: 20 }, ({ cleanup }) => {
  const directory = mkdtempSync(join(scratch(), "none-"));
  cleanup(() => rmSync(directory, { recursive: true }));
  const at = (name: string) => join(directory, name);
  const program = alone();
  writeFileSync(at("empty"), "");
  writeFileSync(at("short"), "TSJ");
  writeFileSync(at("script"), "#!/bin/sh\n");
  assert.is(spawnSync("mkfifo", [at("fifo")]).status, 0);
  symlinkSync("nothing", at("dangling"));
  const names = ["empty", "short", "script", "fifo", "dangling", "missing", ""].map(at);
  for (const path of [...names, "/dev/null", "/dev/zero", "/dev/tty", "/"])
    expectRefusal(run(path, { program }), noPlan, path);
});

/** FNV-1a over the 32-bit words but the sixth, as native/wire.c has it. */
function setChecksum(bytes: Buffer): void {
  let hash = 0x811c9dc5;
  for (let at = 0; at < bytes.length; at += 4) {
    if (at !== 20) hash = Math.imul(hash ^ bytes.readInt32LE(at), 0x01000193);
  }
  bytes.writeUInt32LE(hash >>> 0, 20);
}

function flip(bytes: Buffer, at: number): Buffer {
  bytes.writeUInt8(bytes.readUInt8(at) ^ 1, at);
  return bytes;
}

test("a shipped plan that is damaged, or of another version, is refused", () => {
  const path = ship([fact("fact_kind", { path: "/", kind: "directory", flags: [] })]);
  const bytes = readFileSync(path);
  const line = new RegExp(`^tsjail: ${path} is damaged, or was made by another version of tsjail\\n$`);
  const write = (change: (copy: Buffer) => Uint8Array, what: string) => {
    const copy = Buffer.from(bytes);
    writeFileSync(path, change(copy));
    expectRefusal(run(path), line, what);
  };
  for (let at = 4; at < bytes.length; at += Math.ceil(bytes.length / 60)) {
    write((copy) => flip(copy, at), `byte ${at}`);
  }
  write((copy) => copy.subarray(0, 4), "only the magic");
  write((copy) => copy.subarray(0, -4), "cut");
  write((copy) => Buffer.concat([copy, Buffer.alloc(4)]), "longer");
  write((copy) => {
    copy.writeUInt32LE(2, 4);
    setChecksum(copy);
    return copy;
  }, "of version 2");
  writeFileSync(path, bytes);
  expectDone(run(path), "put back");
});

test("a shipped plan starts no program outside its jail, and nothing that needs Node", () => {
  const line = (path: string) =>
    new RegExp(`^tsjail: ${path} is not a plan that \`tsjail compile\` has made\\n$`);
  const explained = ship([], makePlan({ explain: ["/bin/touch", join(scratch(), "touched")] }));
  expectRefusal(run(explained, {}, "/nothing"), line(explained), "explain");
  assert.throws(() => lstatSync(join(scratch(), "touched")), /ENOENT/);
  const supervised = ship(
    [],
    makePlan({ supervise: { flags: ["init", "supervisor"] } }).filter(({ op }) => op !== "explain"),
  );
  expectRefusal(run(supervised), line(supervised), "supervisor");
});

test("the words after the file are the command's", () => {
  const path = ship([]);
  assert.is(run(path, {}, "printf", "[%s]", "", "a b", "-x", "--").stdout, "[][a b][-x][--]");
  const options = new RegExp(`^tsjail: ${path} takes no options, .*: --net\\n$`);
  expectRefusal(run(path, {}, "--net", "none", "echo"), options, "an option");
  assert.is(run(path, {}, "--", "echo", "--").stdout, "--\n");
  expectRefusal(
    runWords(["run", path]),
    new RegExp(`^tsjail: ${path} names no command: tsjail run FILE COMMAND\\n$`),
    "none",
  );
  const own = makePlan().filter(({ op }) => op !== "explain");
  const named = ship(
    [],
    own.map((one) => (one.op === "command" ? { ...one, argv: ["echo", "own"] } : one)),
  );
  assert.is(runWords(["run", named]).stdout, "own\n");
  assert.is(runWords(["run", named, "--"]).stdout, "own\n");
  assert.is(run(named).stdout, "done\n");
});

test("the front runs a shipped plan without Node too", () => {
  const path = ship([]);
  const env = { PATH: "/nonexistent" };
  const front = (...words: string[]) => runWords(["--front", "/nowhere", ...words], { env });
  expectDone(front("run", path, "echo", "done"), "run");
  assert.match(front("run", `${path}x`, "echo").stderr, "node is not in PATH");
  assert.match(front("-p", "x", "run", path).stderr, "node is not in PATH");
});

test("an executor that was put somewhere alone runs nothing that lies above it", ({ cleanup }) => {
  const place = mkdtempSync(join(scratch(), "above-"));
  cleanup(() => rmSync(place, { recursive: true }));
  const start = (file: string) => {
    mkdirSync(dirname(join(place, file)), { recursive: true });
    copyFileSync(executor(), join(place, file));
    const PATH = dirname(process.execPath);
    return runWords(["bash"], { program: join(place, file), env: { PATH } });
  };
  for (const name of ["dist", "tsjail/dist", "a/dist", "a/tsjail/dist"]) {
    mkdirSync(join(place, name), { recursive: true });
    writeFileSync(join(place, name, "cli.cjs"), 'console.log("done");');
  }
  for (const file of ["a/b/tsjail", "a/b/c/tsjail", "a/b/c/d/tsjail", "e/tsjail"]) {
    expectRefusal(start(file), noPlan, file);
  }
  expectDone(start("dist/linux-x64/tsjail"), "in its package");
  expectDone(start("a/@tsjail/linux-x64/tsjail"), "beside it");
  rmSync(join(place, "a/tsjail"), { recursive: true });
  expectDone(start("a/node_modules/@tsjail/linux-x64/tsjail"), "below it");
});

test("nothing in a file's name or in a plan gets to the terminal as a control character", () => {
  const path = join(scratch(), "\x1b[31m\r\n\x07name");
  writeFileSync(
    path,
    encodePlan([
      fact("fact_kind", { path: "/\x1b]0;x\x07", kind: "file", flags: [] }),
      ...makePlan().filter(({ op }) => op !== "explain"),
    ]),
    { mode: 0o600 },
  );
  const { stderr, status } = run(path);
  assert.is(status, 125);
  assert.not.match(stderr.slice(0, -1), /[\0-\x1f\x7f]/);
  chmodSync(path, 0o666);
  assert.not.match(run(path).stderr.slice(0, -1), /[\0-\x1f\x7f]/);
});

test("a message that is too long ends all the same", () => {
  const path = ship([]);
  chmodSync(path, 0o666);
  const long = `${dirname(path)}${"/.".repeat(1500)}/${path.split("/").pop()}`;
  const { status, stderr } = run(long);
  assert.is(status, 125);
  assert.match(stderr, /^tsjail: .*\n$/);
});
