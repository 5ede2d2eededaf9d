// What "/" is: the host's tree, nothing, or a directory, and that there is no way out of it. In: directories that hold
// next to nothing; the programs come from the host, by mounts on them.
import { existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import * as assert from "../support/assert.ts";
import {
  attempt,
  hostPrograms,
  hostTree,
  jail,
  makeDirectory,
  mount,
  removeDirectory,
  sh,
  shout,
  snapshot,
  startJail,
} from "../support/jail.ts";
import { suite, type TestContext } from "../support/suite.ts";

const test = suite("jail: root");

function makeScratch({ cleanup }: TestContext): string {
  const directory = makeDirectory("root");
  cleanup(() => removeDirectory(directory));
  return directory;
}

/** A directory that is to be a root: one file, and one mount point. */
function makeRoot(context: TestContext): string {
  const root = join(makeScratch(context), "root");
  mkdirSync(join(root, "usr"), { recursive: true });
  writeFileSync(join(root, "file"), "content\n");
  return root;
}

const inDirectory = (path: string, writable: "yes" | "no") =>
  `${hostPrograms}[root]\ntype = "directory"\npath = "${path}"\nwritable = "${writable}"\n`;
const emptyRoot = `${hostPrograms}[root]\ntype = "empty"\n`;
const listAll = (directory: string) => readdirSync(directory, { recursive: true }).map(String).sort();

/** The device and inode numbers of / and of what lies above it, by every way up that there is. */
const waysUp =
  sh(`cd / && stat -Lc %d:%i / /.. /../.. .. ../.. /proc/self/root /proc/self/root/.. /proc/self/cwd/..
  cd /usr/bin && stat -Lc %d:%i ../.. ../../.. ../../../..`);

test("nothing is above the root, whatever the root is", async (context) => {
  const root = makeRoot(context);
  const kinds = [hostTree, emptyRoot, inDirectory(root, "no"), inDirectory(root, "yes")];
  const hidden = mount("hide", { target: "/usr/share" });
  const profiles = [...kinds, ...kinds.map((toml) => toml + hidden), 'extends = "base"\n'];
  for (const toml of profiles) {
    const numbers = (await shout({ toml, command: waysUp })).trim().split("\n");
    assert.is(numbers.length, 11);
    assert.is(new Set(numbers).size, 1, toml);
  }
});

test("the jail's mounts are all that it has: the host's tree is not among them", async () => {
  const mounts = await shout({ toml: emptyRoot, command: ["cat", "/proc/self/mountinfo"] });
  const places = mounts
    .trim()
    .split("\n")
    .map((line) => line.split(" ")[4] ?? "");
  assert.is(places.filter((place) => place === "/").length, 1);
  const known = /^\/($|usr|bin|sbin|lib|etc\/|proc|dev|\.tsjail)/;
  for (const place of places) assert.match(place, known);
});

test("the root of a host tree takes no new files, and the host's takes none either", async () => {
  const script = `${attempt}try touch /new; try mkdir /new; try rmdir /usr; try mv /usr /new; ls -d /usr`;
  assert.is(await shout({ toml: hostTree, command: sh(script) }), "no\nno\nno\nno\n/usr\n");
  assert.not.ok(existsSync("/new"));
});

test("a new mount point at the top of a host tree appears in the jail alone", async (context) => {
  const source = makeScratch(context);
  writeFileSync(`${source}/file`, "content\n");
  const name = `/tsjail-test-${process.pid}`;
  const mounts = mount("bind", { source, target: name }) + mount("tmpfs", { target: `${name}-2/deep/er` });
  const command = sh(`cat ${name}/file; touch ${name}-2/deep/er/new && ls ${name}-2`);
  assert.is(await shout({ toml: hostTree + mounts, command }), "content\ndeep\n");
  assert.not.ok(existsSync(name));
  assert.not.ok(existsSync(`${name}-2`));
});

test("a new mount point below a directory of the host's is refused, and nothing is made there", async (context) => {
  const directory = makeScratch(context);
  const target = `${directory}/new/deep`;
  const { status, stderr } = await jail({
    toml: hostTree + mount("tmpfs", { target }),
    command: ["true"],
  });
  assert.is(status, 125);
  assert.match(stderr, target);
  assert.equal(readdirSync(directory), []);
  const inOwn = hostTree + mount("tmpfs", { target: directory }) + mount("tmpfs", { target });
  assert.is(await shout({ toml: inOwn, command: ["ls", directory] }), "new\n");
  assert.equal(readdirSync(directory), []);
});

test("an empty root has what the profile puts there and nothing else", async () => {
  const command = sh(`${attempt}ls -A /; ls -A /etc; ls /home /root; try touch /new`);
  const { stdout } = await jail({ toml: emptyRoot, command });
  const names = stdout.split("\n").filter((name) => name !== "");
  const known =
    /^(bin|dev|etc|lib(32|64|x32)?|proc|sbin|usr|alternatives|ld\.so\.cache|group|passwd|host(s|name)|resolv\.conf|no)$/;
  for (const name of names) assert.match(name, known);
  assert.is(names.at(-1), "no");
  assert.match(await shout({ toml: hostTree, command: ["ls", "/"] }), /^tmp$/m);
});

test("a directory as root shows its files, takes none, and gets no mount points", async (context) => {
  const root = makeRoot(context);
  const before = snapshot(root);
  const toml = inDirectory(root, "no") + mount("tmpfs", { target: "/new/deep" });
  const script = `${attempt}cat /file; try touch /file; try touch /other; ls /usr/bin/env; try touch /new/deep/file`;
  assert.is(await shout({ toml, command: sh(script) }), "content\nno\nno\n/usr/bin/env\nyes\n");
  assert.equal(snapshot(root), before);
});

test("--root makes a directory the root", async (context) => {
  const root = makeRoot(context);
  assert.is(
    await shout({ toml: hostPrograms, options: ["--root", root], command: ["cat", "/file"] }),
    "content\n",
  );
});

test("what is written to a writable root is the directory's", async (context) => {
  const root = makeRoot(context);
  const script = "echo more >>/file; mkdir -p /var/lib && echo new >/var/lib/new; ls -d /usr/bin/env";
  assert.is(await shout({ toml: inDirectory(root, "yes"), command: sh(script) }), "/usr/bin/env\n");
  assert.is(readFileSync(`${root}/file`, "utf8"), "content\nmore\n");
  assert.equal(listAll(root), ["file", "usr", "var", "var/lib", "var/lib/new"]);
});

test("mount points that a writable root lacks are made and taken away again", async (context) => {
  const root = makeRoot(context);
  const before = listAll(root);
  const toml = `${inDirectory(root, "yes")}${mount("tmpfs", { target: "/a/b/c" })}${mount("bind", { source: "/etc/passwd", target: "/x/y" })}`;
  const script = "touch /a/b/c/file && cat /x/y >/dev/null && ls -A /a /x";
  assert.is(await shout({ toml, command: sh(script) }), "/a:\nb\n\n/x:\ny\n");
  assert.equal(listAll(root), before);
});

test("they are taken away after a start that fails, too", async (context) => {
  const root = makeRoot(context);
  const before = listAll(root);
  const toml = inDirectory(root, "yes") + mount("tmpfs", { target: "/a/b/c" });
  const missing = mount("bind", { source: `${root}/absent`, target: "/x/y" });
  assert.is((await jail({ toml, command: ["/absent"] })).status, 127);
  assert.equal(listAll(root), before);
  assert.is((await jail({ toml: toml + missing, command: ["true"] })).status, 125);
  assert.equal(listAll(root), before);
});

test("a made mount point stays where the jail has put something beside it", async (context) => {
  const root = makeRoot(context);
  const toml = inDirectory(root, "yes") + mount("tmpfs", { target: "/a/b" });
  await shout({ toml, command: sh("echo mine >/a/file") });
  assert.is(readFileSync(`${root}/a/file`, "utf8"), "mine\n");
  assert.not.ok(existsSync(`${root}/a/b`));
});

test("a jail on a writable root goes on when another one there ends", async (context) => {
  const root = makeRoot(context);
  const before = listAll(root);
  const toml = inDirectory(root, "yes");
  const first = startJail({ toml, command: sh("echo up; read line") });
  await first.waitFor("up\n");
  const second = startJail({ toml, command: sh("echo up; read line; ls /dev/null /proc/self/stat") });
  await second.waitFor("up\n");
  first.child.stdin?.end("\n");
  assert.is((await first.ended).status, 0);
  second.child.stdin?.end("\n");
  const { status, stdout } = await second.ended;
  assert.equal([status, stdout], [0, "up\n/dev/null\n/proc/self/stat\n"]);
  assert.equal(listAll(root), before);
});

for (const writable of ["no", "yes"] as const) {
  test(`a root full of links to the outside leads nowhere (writable: ${writable})`, async (context) => {
    const scratch = makeScratch(context);
    const outside = join(scratch, "outside");
    const root = join(scratch, "root");
    for (const path of ["dev", "proc", "etc"]) mkdirSync(join(outside, path), { recursive: true });
    mkdirSync(root);
    symlinkSync(`${outside}/dev`, `${root}/dev`);
    symlinkSync("../outside/proc", `${root}/proc`);
    symlinkSync(`../../../../../../../../..${outside}/etc`, `${root}/etc`);
    symlinkSync(outside, `${root}/usr`);
    const before = snapshot(outside);
    const toml = inDirectory(root, writable) + mount("tmpfs", { target: "/etc/new" });
    const script = "touch /etc/new/file; ls /etc/passwd";
    // Whether such a root can be used is another matter: what counts is what it does to the outside.
    const { status, stdout } = await jail({ toml, command: sh(script) });
    assert.ok(status === 125 || stdout === "/etc/passwd\n", `${status} ${stdout}`);
    assert.equal(snapshot(outside), before);
    assert.equal(readdirSync(root).sort(), ["dev", "etc", "proc", "usr"]);
  });
}

test("a link in a root is followed inside the root", async (context) => {
  const root = makeRoot(context);
  mkdirSync(join(root, "real"));
  symlinkSync("/real", join(root, "link"));
  const toml = inDirectory(root, "no") + mount("tmpfs", { target: "/link" });
  assert.is(await shout({ toml, command: sh("touch /link/new; ls /real") }), "new\n");
  assert.equal(readdirSync(join(root, "real")), []);
});

test("a root directory that does not exist stops the start", async (context) => {
  const root = `${makeScratch(context)}/absent`;
  const { status, stderr } = await jail({ toml: inDirectory(root, "no"), command: ["true"] });
  assert.is(status, 125);
  assert.match(stderr, root);
  assert.match(stderr, "root.path");
});
