// native/facts.c: what a plan says of the place where it may be carried out is compared before anything is done.
// In: plans made by hand, each with one fact. Out: the command, or one line. Plans that were kept: test/cache/.
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { machine, release, version } from "node:os";
import { dirname, join } from "node:path";
import { readCapabilities } from "../../src/facts/kernel.ts";
import { readLandlock } from "../../src/facts/landlock.ts";
import * as assert from "../support/assert.ts";
import { executor, scratch } from "../support/executor.ts";
import { suite } from "../support/suite.ts";
import type { Run, RunWish } from "./run.ts";
import { expectDone, expectStranger, type Fact, fact, type Of, run, ship } from "./shipped.ts";

const test = suite("native/facts");

interface Case {
  readonly what: string;
  readonly fact: Fact;
  /** What it was compiled for instead; undefined where the fact is true. */
  readonly otherwise?: string;
  readonly wish?: RunWish;
}

function check(cases: readonly Case[]): void {
  for (const { what, fact: one, otherwise, wish } of cases) {
    const ending = run(ship([one]), wish);
    if (otherwise === undefined) expectDone(ending, what);
    else expectStranger(ending, otherwise, what);
  }
}

test("fact_caller: the ids and the capabilities are this process's", () => {
  const [uid, gid, capabilities] = [process.getuid?.() ?? 0, process.getgid?.() ?? 0, readCapabilities()];
  const caller = (change: Partial<Of<"fact_caller">>) =>
    fact("fact_caller", { uid, gid, capabilities, ...change });
  const words = (uidThere: number, gidThere: number) => `another user: uid ${uidThere}, gid ${gidThere}`;
  check([
    { what: "the same", fact: caller({}) },
    { what: "uid", fact: caller({ uid: uid + 1 }), otherwise: words(uid + 1, gid) },
    { what: "gid", fact: caller({ gid: gid + 1 }), otherwise: words(uid, gid + 1) },
    { what: "the largest uid", fact: caller({ uid: 4294967295 }), otherwise: words(4294967295, gid) },
    ...[0n, 7n, 31n, 32n, 40n, 63n].map((bit) => ({
      what: `capability ${bit}`,
      fact: caller({ capabilities: capabilities ^ (1n << bit) }),
      otherwise: "a user with other capabilities",
    })),
  ]);
});

test.needs("root", "command:setpriv")(
  "fact_caller: where real and effective ids differ nothing is run",
  () => {
    const path = ship([fact("fact_caller", { uid: 0, gid: 0, capabilities: readCapabilities() })]);
    const as = (...ids: string[]): Run => {
      const words = [...ids, "--clear-groups", executor(), "run", path, "echo", "done"];
      const { status, signal, stdout, stderr } = spawnSync("setpriv", words, { encoding: "utf8" });
      return { status, signal, stdout, stderr, pid: 0 };
    };
    expectDone(as("--ruid=0"), "the same");
    for (const id of ["--ruid=1", "--euid=1", "--rgid=1", "--egid=1"]) {
      const { status, stdout } = as(id);
      assert.equal([status, stdout], [125, ""], id);
    }
  },
);

test("fact_machine: what is named is compared, and what is empty is not", () => {
  const here = { release: release(), version: version(), machine: machine() };
  const nothing = { release: "", version: "", machine: "" };
  const other = `another kind of machine: `;
  check([
    { what: "nothing", fact: fact("fact_machine", nothing) },
    { what: "everything", fact: fact("fact_machine", here) },
    { what: "machine", fact: fact("fact_machine", { ...nothing, machine: here.machine }) },
    {
      what: "another machine",
      fact: fact("fact_machine", { ...here, machine: "vax" }),
      otherwise: `${other}vax`,
    },
    {
      what: "another release",
      fact: fact("fact_machine", { ...here, release: "2.2" }),
      otherwise: other + here.machine,
    },
    {
      what: "another version",
      fact: fact("fact_machine", { ...here, version: "#2" }),
      otherwise: other + here.machine,
    },
    {
      what: "a longer one",
      fact: fact("fact_machine", { ...nothing, machine: `${here.machine}x` }),
      otherwise: `${other}${here.machine}x`,
    },
  ]);
});

test("fact_landlock: the kernel's ABI", () => {
  const abi = readLandlock();
  const landlock = (number: number) => fact("fact_landlock", { abi: number });
  const otherwise = (number: number) => `a kernel with another Landlock: ABI ${number}`;
  const wrong = [abi + 1, 0xffff_ffff, ...(abi > 0 ? [0, abi - 1] : [])];
  check([
    { what: "the same", fact: landlock(abi) },
    ...wrong.map((one) => ({ what: `ABI ${one}`, fact: landlock(one), otherwise: otherwise(one) })),
  ]);
});

test("fact_mounts: all of mountinfo, byte for byte", () => {
  const text = readFileSync("/proc/self/mountinfo");
  const mounts = (bytes: Uint8Array) => fact("fact_mounts", { text: bytes });
  const otherwise = "a host with other things mounted";
  const changed = Buffer.from(text);
  changed[text.length - 2] = 0x21;
  check([
    { what: "the same", fact: mounts(text) },
    { what: "one byte is another", fact: mounts(changed), otherwise },
    {
      what: "a mount less",
      fact: mounts(text.subarray(0, text.lastIndexOf("\n", text.length - 2) + 1)),
      otherwise,
    },
    { what: "a mount more", fact: mounts(Buffer.concat([text, text.subarray(0, 40)])), otherwise },
    { what: "none", fact: mounts(new Uint8Array()), otherwise },
  ]);
});

test("fact_directory: the current directory by its path", ({ cleanup }) => {
  const here = mkdtempSync(join(scratch(), "here-"));
  cleanup(() => rmSync(here, { recursive: true, force: true }));
  symlinkSync(here, `${here}.link`);
  const other = (path: string) => `another current directory: ${path}`;
  const directory = (path: string) => fact("fact_directory", { path });
  check([
    { what: "the same", fact: directory(here), wish: { cwd: here } },
    { what: "by way of a link", fact: directory(here), wish: { cwd: `${here}.link` } },
    {
      what: "the link's name",
      fact: directory(`${here}.link`),
      wish: { cwd: `${here}.link` },
      otherwise: other(`${here}.link`),
    },
    { what: "above", fact: directory(here), wish: { cwd: dirname(here) }, otherwise: other(here) },
    {
      what: "the beginning of it",
      fact: directory(here.slice(0, -1)),
      wish: { cwd: here },
      otherwise: other(here.slice(0, -1)),
    },
    { what: "empty", fact: directory(""), wish: { cwd: "/" }, otherwise: other("") },
  ]);
  const gone = `cd "$1" && rmdir "$1" && exec "$2" run "$3" echo done`;
  const result = spawnSync("/bin/sh", ["-c", gone, "sh", here, executor(), ship([directory(here)])], {
    encoding: "utf8",
  });
  expectStranger({ ...result, pid: 0 }, other(here), "removed");
});

test("fact_variable: set to the same value, or not set", () => {
  const set = (value: string) => fact("fact_variable", { name: "NAME", state: "set", value });
  const unset = fact("fact_variable", { name: "NAME", state: "unset", value: "" });
  const otherwise = "another value of $NAME";
  const wish = (env: NodeJS.ProcessEnv) => ({ wish: { env } });
  check([
    { what: "the same", fact: set("a b\n=c"), ...wish({ NAME: "a b\n=c" }) },
    { what: "empty", fact: set(""), ...wish({ NAME: "" }) },
    { what: "not set", fact: unset, ...wish({}) },
    { what: "not set, others alike", fact: unset, ...wish({ NAM: "x", NAMES: "x", XNAME: "x", name: "x" }) },
    { what: "longer", fact: set("value"), ...wish({ NAME: "values" }), otherwise },
    { what: "shorter", fact: set("value"), ...wish({ NAME: "valu" }), otherwise },
    { what: "empty, and not", fact: set(""), ...wish({ NAME: "x" }), otherwise },
    { what: "empty, and not set", fact: set(""), ...wish({}), otherwise },
    { what: "not set, and empty", fact: unset, ...wish({ NAME: "" }), otherwise },
    { what: "of another", fact: set("x"), ...wish({ NAMES: "x", NAM: "x" }), otherwise },
  ]);
});

/** What stat(2) says, as facts.ts makes a fact of it. */
function describeFile(path: string): Of<"fact_file"> {
  const { dev, ino, size, mtimeNs, ctimeNs } = statSync(path, { bigint: true });
  return { path, device: dev, inode: ino, size, modified: mtimeNs, changed: ctimeNs };
}

test("fact_file: device, inode, size and both times", ({ cleanup }) => {
  const directory = mkdtempSync(join(scratch(), "file-"));
  cleanup(() => rmSync(directory, { recursive: true, force: true }));
  const [file, link] = [join(directory, "file"), join(directory, "link")];
  writeFileSync(file, "text");
  symlinkSync("file", link);
  const here = describeFile(file);
  const otherwise = (path: string) => `a host with something else at ${path}`;
  const fields = ["device", "inode", "size", "modified", "changed"] as const;
  check([
    { what: "the same", fact: fact("fact_file", here) },
    { what: "by way of a link", fact: fact("fact_file", { ...here, path: link }) },
    { what: "a directory", fact: fact("fact_file", describeFile(directory)) },
    { what: "the root", fact: fact("fact_file", describeFile("/")) },
    { what: "a device", fact: fact("fact_file", describeFile("/dev/null")) },
    { what: "procfs", fact: fact("fact_file", describeFile("/proc")) },
    ...fields.flatMap((field) =>
      [1n, 1n << 32n].map((difference) => ({
        what: `another ${field}`,
        fact: fact("fact_file", { ...here, [field]: BigInt(here[field]) + difference }),
        otherwise: otherwise(file),
      })),
    ),
    {
      what: "nothing there",
      fact: fact("fact_file", { ...here, path: `${file}s` }),
      otherwise: otherwise(`${file}s`),
    },
    {
      what: "below a file",
      fact: fact("fact_file", { ...here, path: `${file}/x` }),
      otherwise: otherwise(`${file}/x`),
    },
  ]);
});

test("fact_kind: what lies at a path, with and without following a link", ({ cleanup }) => {
  const directory = mkdtempSync(join(scratch(), "kind-"));
  cleanup(() => rmSync(directory, { recursive: true, force: true }));
  const at = (name: string) => join(directory, name);
  writeFileSync(at("file"), "");
  mkdirSync(at("directory"));
  for (const [name, target] of [
    ["link", "directory"],
    ["dangling", "nothing"],
    ["loop", "loop"],
  ] as const) {
    symlinkSync(target, at(name));
  }
  const places: readonly (readonly [string, Of<"fact_kind">["kind"], Of<"fact_kind">["kind"]])[] = [
    [at("file"), "file", "file"],
    [at("directory"), "directory", "directory"],
    [at("link"), "symlink", "directory"],
    [at("dangling"), "symlink", "absent"],
    [at("loop"), "symlink", "unreadable"],
    [at("nothing"), "absent", "absent"],
    [at("file/below"), "absent", "absent"],
    [at("loop/below"), "unreadable", "unreadable"],
    [at("n".repeat(300)), "unreadable", "unreadable"],
    ["/dev/null", "other", "other"],
  ];
  const kinds = ["absent", "unreadable", "directory", "file", "symlink", "other"] as const;
  for (const [path, kind, followed] of places) {
    const flat = (one: Of<"fact_kind">["kind"]) => fact("fact_kind", { path, kind: one, flags: [] });
    const deep = (one: Of<"fact_kind">["kind"]) => fact("fact_kind", { path, kind: one, flags: ["follow"] });
    const otherwise = `a host with something else at ${path}`;
    check([
      ...kinds.map((one) => ({
        what: `${path} ${one}`,
        fact: flat(one),
        ...(one !== kind && { otherwise }),
      })),
      ...kinds.map((one) => ({
        what: `${path} →${one}`,
        fact: deep(one),
        ...(one !== followed && { otherwise }),
      })),
    ]);
  }
});

test("fact_link: what a symbolic link says", ({ cleanup }) => {
  const link = join(scratch(), "a-link");
  symlinkSync("some/where", link);
  cleanup(() => rmSync(link));
  const saying = (text: string, path = link) => fact("fact_link", { path, text });
  const otherwise = (path = link) => `a host with something else at ${path}`;
  check([
    { what: "the same", fact: saying("some/where") },
    { what: "longer", fact: saying("some/where/"), otherwise: otherwise() },
    { what: "shorter", fact: saying("some/wher"), otherwise: otherwise() },
    { what: "other", fact: saying("some/Where"), otherwise: otherwise() },
    { what: "empty", fact: saying(""), otherwise: otherwise() },
    { what: "no link", fact: saying("x", "/"), otherwise: otherwise("/") },
    { what: "nothing", fact: saying("", "/nonexistent"), otherwise: otherwise("/nonexistent") },
  ]);
});

test("one false fact among true ones is enough, wherever it stands", () => {
  const good = fact("fact_kind", { path: "/", kind: "directory", flags: [] });
  const bad = fact("fact_kind", { path: "/nonexistent", kind: "file", flags: [] });
  const why = "a host with something else at /nonexistent";
  expectDone(run(ship([good, good, good])), "all true");
  for (const facts of [
    [bad, good, good],
    [good, bad, good],
    [good, good, bad],
  ]) {
    expectStranger(run(ship(facts)), why, "one false");
  }
});
