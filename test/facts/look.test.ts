// Looks at the machine, and the notes of them. In: files, links and variables. Out: what is seen, and what is noted.
import {
  chmodSync,
  closeSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import {
  type Look,
  lookAtKind,
  lookAtLink,
  lookAtListed,
  lookAtOpened,
  lookAtOwner,
  lookAtProgram,
  lookAtVariable,
  noteDirectory,
  noteUnread,
  noteUnrepeatable,
  recordLooks,
} from "../../src/facts/look.ts";
import { readEntries, readFile } from "../../src/host/file.ts";
import * as assert from "../support/assert.ts";
import { scratch } from "../support/executor.ts";
import { suite, type TestContext } from "../support/suite.ts";

const test = suite("facts/look");

function makePlace({ cleanup }: TestContext): (name: string) => string {
  const place = mkdtempSync(join(scratch(), "look-"));
  cleanup(() => rmSync(place, { recursive: true, force: true }));
  return (name) => join(place, name);
}

/** What was noted, as short text. */
const note = (work: () => unknown): string[] =>
  recordLooks(work).looks.map((look) =>
    [
      look.type,
      "path" in look ? look.path : "",
      "kind" in look ? `${look.kind}${look.follow ? " followed" : ""}` : "",
    ]
      .filter((word) => word !== "")
      .join(" "),
  );
const whys = (looks: readonly Look[]): string[] =>
  looks.flatMap((look) => (look.type === "unrepeatable" ? look.why : []));

test("what lies at a path is told apart as the executor does", (context) => {
  const at = makePlace(context);
  writeFileSync(at("file"), "");
  mkdirSync(at("directory"));
  for (const [name, target] of [
    ["link", "directory"],
    ["dangling", "x"],
    ["loop", "loop"],
  ] as const)
    symlinkSync(target, at(name));
  const cases: readonly (readonly [string, string, string])[] = [
    [at("file"), "file", "file"],
    [at("directory"), "directory", "directory"],
    [at("link"), "symlink", "directory"],
    [at("dangling"), "symlink", "absent"],
    [at("loop"), "symlink", "unreadable"],
    [at("none"), "absent", "absent"],
    [at("file/none"), "absent", "absent"],
    [at("x".repeat(300)), "unreadable", "unreadable"],
    ["/dev/null", "other", "other"],
    ["/nul\0", "absent", "absent"],
  ];
  for (const [path, seen, followed] of cases) {
    assert.is(lookAtKind(path), seen, path);
    assert.is(lookAtKind(path, true), followed, path);
  }
});

test("each thing is noted once, as it was seen first, and only while someone records", (context) => {
  const at = makePlace(context);
  assert.is(lookAtKind(at("file")), "absent");
  const { value, looks } = recordLooks(() => {
    const first = lookAtKind(at("file"));
    writeFileSync(at("file"), "");
    return [first, lookAtKind(at("file")), lookAtKind(at("file"), true)];
  });
  assert.equal(value, ["absent", "file", "file"]);
  assert.equal(
    looks,
    [
      { type: "kind", path: at("file"), kind: "absent", follow: false },
      { type: "kind", path: at("file"), kind: "file", follow: true },
    ],
    "what has changed meanwhile is not what is noted",
  );
});

test("an exception ends the recording, and the one around it goes on", () => {
  const looks = note(() => {
    noteDirectory();
    try {
      recordLooks(() => {
        lookAtKind("/usr");
        throw new Error("out");
      });
    } catch {}
    lookAtKind("/");
  });
  assert.equal(looks, ["directory", "kind / directory"]);
  assert.equal(
    note(() => {}),
    [],
  );
});

test("a variable is noted by its value, or as not set; what every object has is no variable", () => {
  const environment = { A: "1", EMPTY: "", UNDEFINED: undefined };
  const { looks } = recordLooks(() => {
    for (const name of ["A", "EMPTY", "UNDEFINED", "NONE", "toString", "__proto__"])
      lookAtVariable(environment, name);
  });
  assert.equal(
    looks.map((look) => (look.type === "variable" ? [look.name, look.value] : [])),
    [
      ["A", "1"],
      ["EMPTY", ""],
      ["UNDEFINED", undefined],
      ["NONE", undefined],
      ["toString", undefined],
      ["__proto__", undefined],
    ],
  );
});

test("of a file that is read is noted what it was before", (context) => {
  const at = makePlace(context);
  writeFileSync(at("file"), "one");
  const before = BigInt(Date.now()) * 1_000_000n;
  const { looks } = recordLooks(() => {
    const descriptor = openSync(at("file"), "r");
    lookAtOpened(at("file"), descriptor);
    writeFileSync(at("file"), "three");
    assert.is(readFileSync(descriptor, "utf8"), "three");
    closeSync(descriptor);
  });
  const [look] = looks;
  assert.ok(look?.type === "file" && look.stats.size === 3n && !look.listed);
  assert.ok(look.time >= before && look.time <= BigInt(Date.now()) * 1_000_000n);
});

test("a program is the file that a link leads to; an owner is that of what lies there", (context) => {
  const at = makePlace(context);
  writeFileSync(at("file"), "text");
  symlinkSync("file", at("link"));
  assert.equal(
    note(() => lookAtProgram(at("link"))),
    [`file ${at("link")}`],
  );
  assert.throws(() => lookAtProgram(at("none")), /ENOENT/);
  assert.equal(
    note(() => lookAtOwner(at("file"))),
    [`file ${at("file")}`],
  );
  assert.equal(
    note(() => lookAtOwner(at("link"))),
    [`kind ${at("link")} symlink`],
  );
  assert.equal(
    note(() => lookAtOwner(at("none"))),
    [`kind ${at("none")} absent`],
  );
  assert.is(lookAtOwner(at("none")), undefined);
  assert.equal(
    note(() => lookAtLink(at("link"))),
    [`link ${at("link")}`],
  );
  assert.equal(
    note(() => lookAtListed(at("."))),
    [`file ${at(".")}`],
  );
});

test("what isn't there is a fact; what can't be read, or comes meanwhile, is none", (context) => {
  const at = makePlace(context);
  writeFileSync(at("file"), "");
  const fail = (code: string) => Object.assign(new Error(code), { code });
  assert.equal(
    note(() => noteUnread(at("none"), fail("ENOENT"))),
    [`kind ${at("none")} absent followed`],
  );
  for (const code of ["EACCES", "EPERM", "EIO", "ELOOP", "ENOTDIR", "EMFILE"]) {
    const { looks } = recordLooks(() => noteUnread(at("none"), fail(code)));
    assert.equal(whys(looks), [`${at("none")} could not be read (${code})`]);
  }
  const { looks } = recordLooks(() => noteUnread(at("file"), fail("ENOENT")));
  assert.equal(whys(looks), [`${at("file")} could not be read (ENOENT)`], "it is there by now");
});

test("every way in which the host's reading can fail is noted", (context) => {
  const at = makePlace(context);
  const seen = (work: () => unknown) => recordLooks(work).looks;
  assert.equal(
    note(() => readFile(at("none"))),
    [`kind ${at("none")} absent followed`],
  );
  assert.equal(
    note(() => readEntries(at("none"))),
    [`kind ${at("none")} absent followed`],
  );
  symlinkSync("loop", at("loop"));
  assert.is(whys(seen(() => readFile(at("loop")))).length, 1, "ELOOP");
  assert.is(whys(seen(() => readEntries(at("loop")))).length, 1, "ELOOP");
  writeFileSync(at("file"), "text");
  mkdirSync(at("inside"));
  assert.is(whys(seen(() => readFile(at("file"), at("inside")))).length, 1, "it is not where it should be");
  assert.equal(whys(seen(() => readFile(at("file"), dirname(at("file"))))), [], "the twin");
  assert.equal(
    note(() => readFile(at("inside"))),
    [`file ${at("inside")}`],
    "a directory has an inode, too",
  );
  assert.is(whys(seen(() => readEntries(at("file")))).length, 1, "ENOTDIR");
});

test.needs("user")("a file without the right to read it is no fact, nor is such a directory", (context) => {
  const at = makePlace(context);
  writeFileSync(at("file"), "text");
  mkdirSync(at("directory"));
  for (const name of ["file", "directory"]) chmodSync(at(name), 0);
  const seen = (work: () => unknown) => whys(recordLooks(work).looks);
  assert.equal(
    seen(() => readFile(at("file"))),
    [`${at("file")} could not be read (EACCES)`],
  );
  assert.equal(
    seen(() => readEntries(at("directory"))),
    [`${at("directory")} could not be read (EACCES)`],
  );
  assert.equal(
    note(() => lookAtKind(at("directory/below"))),
    [`kind ${at("directory/below")} unreadable`],
  );
  chmodSync(at("directory"), 0o700);
});

test("what is said to be unrepeatable is noted once for each reason", () => {
  const { looks } = recordLooks(() => {
    for (const why of ["a", "b", "a"]) noteUnrepeatable(why);
  });
  assert.equal(whys(looks), ["a", "b"]);
});
