// From looks to facts, and which looks make no plan that may be used again. In: looks made by hand, times to the
// nanosecond. Out: facts, or why there are none. That no look is missing: complete.test.ts.
import { mkdirSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { findObstacle, listFacts, listShippedFacts } from "../../src/facts/facts.ts";
import { whyUndependable } from "../../src/facts/filesystem.ts";
import type { FileLook, Look, SeenKind } from "../../src/facts/look.ts";
import * as assert from "../support/assert.ts";
import { scratch } from "../support/executor.ts";
import { suite } from "../support/suite.ts";

const test = suite("facts");

const second = 1_000_000_000n;
const millisecond = 1_000_000n;
const now = 1_700_000_000n * second + 123_456_789n;

function file(
  path: string,
  change: { mtimeNs?: bigint; ctimeNs?: bigint; time?: bigint; listed?: boolean } = {},
): FileLook {
  const { mtimeNs = now - second, ctimeNs = now - second, time = now, listed = false } = change;
  const stats = { dev: 1n, ino: 2n, size: 3n, mtimeNs, ctimeNs } as FileLook["stats"];
  return { type: "file", path, stats, time, listed };
}
const kind = (path: string, seen: SeenKind, follow = false): Look => ({
  type: "kind",
  path,
  kind: seen,
  follow,
});
const link = (path: string, text: string): Look => ({ type: "link", path, text });

test("a file that was written just before it was looked at could be written again in the same tick", () => {
  const cases: readonly (readonly [bigint, bigint, boolean])[] = [
    [51n * millisecond, 51n * millisecond, true],
    [second, second, true],
    [49n * millisecond, second, false],
    [second, 49n * millisecond, false],
    [0n, 0n, false],
    [-second, second, false],
    [second, -second, false],
  ];
  for (const [modified, changed, isGood] of cases) {
    const look = file("/", { mtimeNs: now - modified, ctimeNs: now - changed });
    assert.is(findObstacle([look]) === undefined, isGood, `${modified} ${changed}`);
  }
});

test("what counts is when it was looked at, not when the plan is done", () => {
  // Written, read, and long ago by now: whether it was written again within that tick nobody can see.
  const look = file("/", { ctimeNs: now - millisecond, mtimeNs: now - millisecond });
  assert.match(findObstacle([look]) ?? "", /^\/ had only just been written$/);
  assert.match(findObstacle([file("/"), look, file("/")]) ?? "", /only just/);
});

test("file systems with whole seconds are waited for", () => {
  const whole = (now / second) * second;
  const at = (ago: bigint) =>
    findObstacle([file("/", { ctimeNs: whole, mtimeNs: whole, time: whole + ago })]);
  assert.match(at(2n * second) ?? "", /only just/);
  assert.is(at(3n * second), undefined);
  const finer = findObstacle([file("/", { ctimeNs: whole + 1n, mtimeNs: whole, time: whole + second })]);
  assert.is(finer, undefined, "a nanosecond says that the seconds are not whole");
});

test("what can't be compared is an obstacle, by its reason", () => {
  assert.is(findObstacle([file("/"), { type: "unrepeatable", why: "a reason" }]), "a reason");
  for (const path of ["relative", "", "./x", "/nul\0"]) {
    assert.is(findObstacle([kind(path, "absent")]), "a path is relative", JSON.stringify(path));
  }
  assert.is(findObstacle([kind("/", "directory"), link("/x", "relative"), { type: "directory" }]), undefined);
  assert.is(findObstacle([{ type: "variable", name: "relative", value: undefined }]), undefined);
  assert.is(findObstacle([]), undefined);
});

test("times of procfs, sysfs and the like tell nothing", () => {
  for (const path of ["/proc/version", "/proc/self/status", "/sys/kernel", "/dev/pts"]) {
    assert.match(whyUndependable(path) ?? "", /whose times don't tell/, path);
    assert.match(findObstacle([file(path)]) ?? "", `${path} is on `);
  }
  for (const path of ["/", "/usr", scratch()]) assert.is(whyUndependable(path), undefined, path);
  assert.is(whyUndependable("/nonexistent"), "can't be looked at any more");
});

const invocation = { packageWord: "/p", options: [], commands: [] };
/** The facts that come from looks, as short text. */
const list = (looks: readonly Look[]): string[] =>
  listFacts(looks, invocation, "/c")
    .slice(4)
    .map((one) => `${one.op.slice(5)} ${"path" in one ? one.path : "name" in one ? one.name : ""}`);

test("the caller, the machine, the directory and the command line are always among the facts", () => {
  const facts = listFacts([], { packageWord: "/p", options: ["-p", "x"], commands: ["run"] }, "/c");
  assert.equal(
    facts.map(({ op }) => op),
    ["fact_invocation", "fact_caller", "fact_machine", "fact_directory"],
  );
  const [one, caller, , directory] = facts;
  assert.equal(one, {
    op: "fact_invocation",
    origin: "command line",
    package: "/p",
    options: ["-p", "x"],
    commands: ["run"],
  });
  assert.ok(caller?.op === "fact_caller" && caller.uid === process.getuid?.());
  assert.ok(directory?.op === "fact_directory" && directory.path === "/c");
});

test("a directory that was listed answers for what was looked at in it afterwards", () => {
  const listed = file("/d", { listed: true });
  assert.equal(list([listed, kind("/d/x", "file"), link("/d/y", "z"), kind("/d/z", "absent")]), ["file /d"]);
  assert.equal(list([kind("/d/x", "file"), listed]), ["kind /d/x", "file /d"], "but not before");
  assert.equal(list([link("/d/x", "y"), listed]), ["link /d/x", "file /d"], "but not before");
  assert.equal(
    list([file("/d"), kind("/d/x", "file")]),
    ["file /d", "kind /d/x"],
    "but not without listing it",
  );
  assert.equal(
    list([listed, kind("/d/x", "file", true)]),
    ["file /d", "kind /d/x"],
    "but not where a link leads",
  );
  assert.equal(
    list([listed, kind("/d/x/y", "file"), file("/d/x")]),
    ["file /d", "kind /d/x/y", "file /d/x"],
    "and only that",
  );
  assert.equal(list([listed, kind("/dd", "file"), kind("/d", "directory")]), [
    "file /d",
    "kind /dd",
    "kind /d",
  ]);
  assert.equal(list([file("/", { listed: true }), kind("/x", "file"), kind("/", "directory")]), ["file /"]);
});

test("in what is absent nothing can be", () => {
  assert.equal(list([kind("/a", "absent"), kind("/a/b", "absent"), kind("/a/b/c", "absent")]), ["kind /a"]);
  assert.equal(list([kind("/a", "unreadable"), kind("/a/b", "absent")]), ["kind /a", "kind /a/b"]);
  assert.equal(
    list([kind("/a", "absent", true), kind("/a/b", "absent")]),
    ["kind /a", "kind /a/b"],
    "a dangling link",
  );
  assert.equal(
    list([kind("/a", "absent"), kind("/a/b", "file")]),
    ["kind /a", "kind /a/b"],
    "a contradiction stays",
  );
  assert.equal(list([kind("/a", "absent"), kind("/a/b", "absent", true)]), ["kind /a", "kind /a/b"]);
});

test("a fact says what was seen", () => {
  const looks: Look[] = [
    file("/f", { mtimeNs: -1n, ctimeNs: 5n }),
    { type: "variable", name: "A", value: "1" },
    { type: "variable", name: "B", value: "" },
    { type: "variable", name: "C", value: undefined },
    kind("/k", "other", true),
    link("/l", "text"),
    { type: "landlock", abi: 6 },
    { type: "directory" },
  ];
  const origin = "looked at";
  assert.equal(listFacts(looks, invocation, "/c").slice(4), [
    {
      op: "fact_file",
      origin,
      path: "/f",
      device: 1n,
      inode: 2n,
      size: 3n,
      modified: 2n ** 64n - 1n,
      changed: 5n,
    },
    { op: "fact_variable", origin, name: "A", state: "set", value: "1" },
    { op: "fact_variable", origin, name: "B", state: "set", value: "" },
    { op: "fact_variable", origin, name: "C", state: "unset", value: "" },
    { op: "fact_kind", origin, path: "/k", kind: "other", flags: ["follow"] },
    { op: "fact_link", origin, path: "/l", text: "text" },
    { op: "fact_landlock", origin, abi: 6 },
  ]);
});

test("a shipped plan has no facts of files, and of the directory only where it was used", () => {
  const looks: Look[] = [file("/f"), file("/d", { listed: true }), kind("/d/k", "file"), link("/d/l", "x")];
  const names = (all: readonly Look[]) => listShippedFacts(all, "/c").map(({ op }) => op.slice(5));
  assert.equal(names(looks), ["caller", "machine", "kind", "link"], "what the listing tells of stays");
  assert.equal(names([{ type: "directory" }]), ["caller", "machine", "directory"]);
  assert.equal(names([{ type: "landlock", abi: 6 }]), ["caller", "machine", "landlock"]);
  const [, machine] = listShippedFacts([], "/c");
  assert.ok(
    machine?.op === "fact_machine" &&
      machine.release === "" &&
      machine.version === "" &&
      machine.machine !== "",
  );
});

test("everything that can happen to an entry of a directory changes the directory's times", async ({
  cleanup,
}) => {
  const directory = join(scratch(), "listed");
  mkdirSync(directory);
  cleanup(() => rmSync(directory, { recursive: true }));
  const at = join(directory, "entry");
  const changes: readonly (() => void)[] = [
    () => writeFileSync(at, ""),
    () => rmSync(at),
    () => symlinkSync("a", at),
    () => {
      rmSync(at);
      symlinkSync("b", at);
    },
    () => {
      rmSync(at);
      mkdirSync(at);
    },
  ];
  for (const change of changes) {
    const before = statSync(directory, { bigint: true });
    await new Promise((resolve) => setTimeout(resolve, 20));
    change();
    assert.ok(statSync(directory, { bigint: true }).ctimeNs > before.ctimeNs, String(change));
  }
});
