// The host's files: read-only unless the profile says otherwise, hidden where it says so, and never added to. In: real
// directories below the system's temporary one, which the jails here show at the same path.
import { mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import * as assert from "../support/assert.ts";
import {
  attempt,
  hostTree,
  jail,
  makeDirectory,
  mount,
  removeDirectory,
  sh,
  shout,
  snapshot,
} from "../support/jail.ts";
import { suite, type TestContext } from "../support/suite.ts";

const test = suite("jail: files");

/** A directory of the host's: a file, a secret, and a directory with one more. */
function makeTree({ cleanup }: TestContext): string {
  const directory = makeDirectory("files");
  cleanup(() => removeDirectory(directory));
  writeFileSync(join(directory, "file"), "content\n");
  writeFileSync(join(directory, "secret"), "password\n");
  mkdirSync(join(directory, "private"));
  writeFileSync(join(directory, "private/key"), "key\n");
  return directory;
}

const files = (intents: Record<string, string[]>) => {
  const lines = Object.entries(intents).map(([intent, paths]) => `${intent} = ${JSON.stringify(paths)}`);
  return `${hostTree}[files]\n${lines.join("\n")}\n`;
};

/** Every way to change a file or its directory. */
const changes = `${attempt}cd "$1"
try sh -c 'echo more >file'; try sh -c 'echo more >>file'; try rm file; try mv file other; try chmod 777 file
try touch file; try touch new; try mkdir newdir; try ln file hard; try ln -s file soft; try truncate -s 0 file
`;

test("the host's files can be read and not changed in any way", async (context) => {
  const directory = makeTree(context);
  const before = snapshot(directory);
  assert.is(await shout({ toml: hostTree, command: ["cat", `${directory}/file`] }), "content\n");
  const output = await shout({ toml: hostTree, command: sh(changes, directory) });
  assert.is(output, "no\n".repeat(11));
  assert.equal(snapshot(directory), before);
});

test("what files.write names can be changed, and the changes are the host's", async (context) => {
  const directory = makeTree(context);
  const script = `cd "$1" && echo more >>file && touch new && mkdir newdir && rm secret`;
  await shout({ toml: files({ write: [directory] }), command: sh(script, directory) });
  assert.is(readFileSync(`${directory}/file`, "utf8"), "content\nmore\n");
  assert.equal(readdirSync(directory).sort(), ["file", "new", "newdir", "private"]);
});

test("a single writable file leaves the ones beside it as they are", async (context) => {
  const directory = makeTree(context);
  const script = `${attempt}cd "$1"; try sh -c 'echo more >>file'; try sh -c 'echo more >>secret'; try touch new`;
  const output = await shout({
    toml: files({ write: [`${directory}/file`] }),
    command: sh(script, directory),
  });
  assert.is(output, "yes\nno\nno\n");
  assert.is(readFileSync(`${directory}/file`, "utf8"), "content\nmore\n");
  assert.is(readFileSync(`${directory}/secret`, "utf8"), "password\n");
});

test("a read-only part of a writable directory stays read-only", async (context) => {
  const directory = makeTree(context);
  const script = `${attempt}cd "$1"; try touch new; cat private/key; try touch private/new`;
  const toml = files({ write: [directory], read: [`${directory}/private`] });
  assert.is(await shout({ toml, command: sh(script, directory) }), "yes\nkey\nno\n");
});

test("a hidden directory is empty, and what was in it can't be reached", async (context) => {
  const directory = makeTree(context);
  const script = `${attempt}ls -A "$1/private"; try cat "$1/private/key"; try touch "$1/private/new"; cat "$1/file"`;
  const toml = files({ hide: [`${directory}/private`] });
  assert.is(await shout({ toml, command: sh(script, directory) }), "no\nno\ncontent\n");
  assert.is(await shout({ toml: hostTree, command: ["ls", `${directory}/private`] }), "key\n");
});

test("a hidden file is empty, and can't be written or taken away", async (context) => {
  const directory = makeTree(context);
  const script = `${attempt}cat "$1/secret"; try sh -c 'echo x >"$1/secret"' sh "$1"; try rm "$1/secret"`;
  const toml = files({ write: [directory], hide: [`${directory}/secret`] });
  assert.is(await shout({ toml, command: sh(script, directory) }), "no\nno\n");
  assert.is(await shout({ toml: hostTree, command: ["cat", `${directory}/secret`] }), "password\n");
  assert.is(readFileSync(`${directory}/secret`, "utf8"), "password\n");
});

test("what is hidden by the name of a symbolic link is hidden under its real name too", async (context) => {
  const directory = makeTree(context);
  symlinkSync("private", `${directory}/link`);
  const script = `${attempt}for name in private link; do try cat "$1/$name/key"; done`;
  const hidden = await shout({
    toml: files({ hide: [`${directory}/link`] }),
    command: sh(script, directory),
  });
  assert.is(hidden, "no\nno\n");
  assert.is(await shout({ toml: hostTree, command: sh(script, directory) }), "yes\nyes\n");
});

test("what is hidden by its real name is hidden from every symbolic link to it", async (context) => {
  const directory = makeTree(context);
  symlinkSync("private", `${directory}/link`);
  symlinkSync(`${directory}/secret`, `${directory}/private/deep`);
  const script = `${attempt}try cat "$1/link/key"; cat "$1/private/deep"`;
  const toml = files({ hide: [`${directory}/secret`] });
  assert.is(await shout({ toml, command: sh(script, directory) }), "yes\n");
  const both = files({ hide: [`${directory}/secret`, `${directory}/private`] });
  assert.is(await shout({ toml: both, command: sh(`${attempt}try cat "$1/link/key"`, directory) }), "no\n");
});

test("what is hidden by a link into a directory that is bound stays hidden there", async (context) => {
  const directory = makeTree(context);
  symlinkSync("private", `${directory}/link`);
  const toml = files({ write: [directory], hide: [`${directory}/link`] });
  const script = `${attempt}try cat "$1/private/key"; try cat "$1/link/key"; try touch "$1/new"`;
  assert.is(await shout({ toml, command: sh(script, directory) }), "no\nno\nyes\n");
});

test("a part of a hidden directory can be shown, and nothing else of it", async (context) => {
  const directory = makeTree(context);
  const toml = files({ hide: [directory], read: [`${directory}/private`] });
  const script = `${attempt}ls -A "$1"; cat "$1/private/key"; try touch "$1/new"; try cat "$1/secret"`;
  assert.is(await shout({ toml, command: sh(script, directory) }), "private\nkey\nno\nno\n");
});

test("hiding what does not exist is no error, and makes nothing", async (context) => {
  const directory = makeTree(context);
  const before = snapshot(directory);
  const toml = files({ hide: [`${directory}/absent`, `${directory}/absent/deeper`] });
  assert.is(await shout({ toml, command: ["ls", directory] }), "file\nprivate\nsecret\n");
  assert.equal(snapshot(directory), before);
});

test("a tmpfs over a directory is empty and writable, and gone with the jail", async (context) => {
  const directory = makeTree(context);
  const before = snapshot(directory);
  const toml = files({ tmpfs: [`${directory}/private`] });
  const script = `cd "$1/private" && ls -A && echo mine >key && cat key`;
  for (const _ of ["first", "again"])
    assert.is(await shout({ toml, command: sh(script, directory) }), "mine\n");
  assert.equal(snapshot(directory), before);
});

test("a file that appears on the host later is seen, and still can't be written", async (context) => {
  const directory = makeTree(context);
  const script = `${attempt}while [ ! -e "$1/late" ]; do sleep 0.02; done; cat "$1/late"; try touch "$1/late"`;
  const ended = shout({ toml: hostTree, command: sh(script, directory) });
  setTimeout(() => writeFileSync(`${directory}/late`, "late\n"), 300);
  assert.is(await ended, "late\nno\n");
});

test("a path of files.read that does not exist stops the start and is named", async (context) => {
  const directory = makeTree(context);
  const path = `${directory}/absent`;
  const { status, stdout, stderr } = await jail({ toml: files({ read: [path] }), command: ["echo", "ran"] });
  assert.equal([status, stdout], [125, ""]);
  assert.match(stderr, path);
  assert.match(stderr, "files.read[0]");
});

test("a start that fails half-way leaves nothing on the host", async (context) => {
  const directory = makeTree(context);
  const before = snapshot(directory);
  const late = mount("bind", { source: `${directory}/file`, target: `${directory}/private/absent` });
  const failures: [string, string[], number][] = [
    [late, ["true"], 125],
    [mount("tmpfs", { target: `${directory}/absent/deep` }), ["true"], 125],
    [mount("symlink", { source: "x", target: `${directory}/link` }), ["true"], 125],
    [mount("file", { content: "x", target: `${directory}/new` }), ["true"], 125],
    [mount("tmpfs", { target: `${directory}/private` }), [`${directory}/absent`], 127],
    [mount("tmpfs", { target: `${directory}/private` }), [`${directory}/file`], 126],
  ];
  for (const [extra, command, expected] of failures) {
    const { status, stderr } = await jail({ toml: hostTree + extra, command });
    assert.is(status, expected, `${extra}\n${stderr}`);
    assert.equal(snapshot(directory), before);
  }
});

test("a mount point is not made in a directory of the host's, not even in a writable one", async (context) => {
  const directory = makeTree(context);
  const writable = hostTree + mount("bind", { source: directory, readonly: false });
  const before = snapshot(directory);
  const target = `${directory}/new`;
  const mounts = [
    mount("tmpfs", { target }),
    mount("tmpfs", { target: `${target}/deep/er` }),
    mount("bind", { source: "/etc/passwd", target }),
    mount("bind", { source: "/etc", target }),
    mount("file", { target, content: "x" }),
    mount("symlink", { target, source: "x" }),
  ];
  for (const extra of mounts) {
    const { status, stderr } = await jail({ toml: writable + extra, command: ["true"] });
    assert.is(status, 125, extra);
    assert.match(stderr, target);
    assert.equal(snapshot(directory), before, extra);
  }
  mkdirSync(target);
  const inside = sh(`touch "$1/mine"; ls -A "$1"`, target);
  assert.is(await shout({ toml: writable + mount("tmpfs", { target }), command: inside }), "mine\n");
  assert.equal(readdirSync(target), []);
});
