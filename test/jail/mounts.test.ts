// [[mount]]: what each type shows, and that its attributes really hold. Mounts of the host's, which an ordinary user
// can't make, come from a user namespace around tsjail.
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
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

const test = suite("jail: mounts");

function makeTree({ cleanup }: TestContext): string {
  const directory = makeDirectory("mounts");
  cleanup(() => removeDirectory(directory));
  writeFileSync(`${directory}/file`, "content\n");
  mkdirSync(`${directory}/sub`);
  writeFileSync(`${directory}/program`, "#!/bin/sh\necho ran\n", { mode: 0o755 });
  return directory;
}

/** Runs tsjail where "$0/sub" is a file system of its own. */
const withSubmount = (directory: string) => [
  ...["unshare", "-Urm", "sh", "-c"],
  'mount -t tmpfs sub "$0/sub" && echo deep >"$0/sub/file" && exec "$@"',
  directory,
];

test("a bind shows a directory elsewhere, read-only", async (context) => {
  const directory = makeTree(context);
  const before = snapshot(directory);
  const toml = hostTree + mount("bind", { source: directory, target: "/shown" });
  const script = `${attempt}cat /shown/file; try touch /shown/new; try touch /shown/file; try rm /shown/file`;
  assert.is(await shout({ toml, command: sh(script) }), "content\nno\nno\nno\n");
  assert.equal(snapshot(directory), before);
});

test("a bind with readonly = false writes through to the host", async (context) => {
  const directory = makeTree(context);
  const toml = hostTree + mount("bind", { source: directory, target: "/shown", readonly: false });
  await shout({ toml, command: sh("echo more >>/shown/file; echo new >/shown/new") });
  assert.is(readFileSync(`${directory}/file`, "utf8"), "content\nmore\n");
  assert.is(readFileSync(`${directory}/new`, "utf8"), "new\n");
});

test.needs("userns")("a read-only bind is read-only in its submounts too", async (context) => {
  const directory = makeTree(context);
  const script = `${attempt}cat /shown/sub/file; try touch /shown/sub/new; try touch /shown/new`;
  const run = (readonly: boolean) =>
    shout({
      toml: hostTree + mount("bind", { source: directory, target: "/shown", readonly }),
      command: sh(script),
      wrapper: withSubmount(directory),
    });
  assert.is(await run(true), "deep\nno\nno\n");
  assert.is(await run(false), "deep\nyes\nyes\n");
});

test.needs("userns")("the host's tree is read-only in its submounts too", async (context) => {
  const directory = makeTree(context);
  const script = `${attempt}cat "$1/sub/file"; try touch "$1/sub/new"`;
  const wrapper = withSubmount(directory);
  assert.is(await shout({ toml: hostTree, command: sh(script, directory), wrapper }), "deep\nno\n");
  const toml = `${hostTree}[files]\nwrite = ["${directory}/sub"]\n`;
  assert.is(await shout({ toml, command: sh(script, directory), wrapper }), "deep\nyes\n");
});

test("noexec keeps programs from being executed", async (context) => {
  const directory = makeTree(context);
  const run = (noexec: boolean) =>
    jail({
      toml: hostTree + mount("bind", { source: directory, target: "/shown", noexec }),
      command: ["/shown/program"],
    });
  assert.is((await run(true)).status, 126);
  const allowed = await run(false);
  assert.equal([allowed.status, allowed.stdout], [0, "ran\n"]);
});

test("nodev keeps device files from being opened", async () => {
  const run = (nodev: boolean) =>
    shout({
      toml: hostTree + mount("bind", { source: "/dev/zero", target: "/etc/hostname", nodev }),
      command: sh(`${attempt}try head -c1 /etc/hostname`),
    });
  assert.is(await run(true), "no\n");
  assert.is(await run(false), "yes\n");
});

test("every attribute is set on the mount as the profile has it", async (context) => {
  const directory = makeTree(context);
  const read = async (keys: Parameters<typeof mount>[1]) => {
    const toml = hostTree + mount("bind", { source: directory, target: "/shown", ...keys });
    const mounts = await shout({ toml, command: ["cat", "/proc/self/mountinfo"] });
    const options = mounts.split("\n").find((line) => line.split(" ")[4] === "/shown");
    const known = ["ro", "nosuid", "nodev", "noexec"];
    return (options?.split(" ")[5] ?? "").split(",").filter((name) => known.includes(name));
  };
  assert.equal(await read({}), ["ro", "nosuid", "nodev"]);
  assert.equal(await read({ readonly: false, noexec: true }), ["nosuid", "nodev", "noexec"]);
  assert.equal(await read({ readonly: false, nosuid: false, nodev: false }), []);
});

test("a tmpfs holds as much as its size, and no more", async () => {
  const toml = hostTree + mount("tmpfs", { target: "/tmp", size: "1MiB", mode: "1777" });
  const script = `${attempt}try head -c 900K /dev/zero; for size in 900K 2M; do
    try sh -c "head -c $size /dev/zero >/tmp/file"; rm -f /tmp/file; done`;
  assert.is(await shout({ toml, command: sh(script) }), "yes\nyes\nno\n");
});

test("a tmpfs holds as many files as its inodes", async () => {
  const toml = hostTree + mount("tmpfs", { target: "/tmp", inodes: 20 });
  const script = 'n=0; while [ $n -lt 100 ] && touch "/tmp/$n" 2>/dev/null; do n=$((n + 1)); done; echo $n';
  const made = Number(await shout({ toml, command: sh(script) }));
  assert.ok(made >= 15 && made < 20, `${made} files`);
});

test("a tmpfs has the profile's mode and belongs to the command's user", async () => {
  const toml = `${hostTree}${mount("tmpfs", { target: "/mnt" })}${mount("tmpfs", { target: "/tmp", mode: "1750" })}`;
  const output = await shout({
    toml,
    command: sh("stat -c '%a %u' /mnt /tmp; id -u; touch /mnt/new /tmp/new"),
  });
  const [first, second, uid] = output.split("\n");
  assert.equal([first, second], [`755 ${uid}`, `1750 ${uid}`]);
});

test("a read-only tmpfs takes what the profile puts there, and nothing else", async (context) => {
  const directory = makeTree(context);
  const toml = `${hostTree}${mount("tmpfs", { target: "/mnt", readonly: true })}${mount("bind", { source: directory, target: "/mnt/a/b" })}`;
  const script = `${attempt}cat /mnt/a/b/file; try touch /mnt/new; try mkdir /mnt/a/new`;
  assert.is(await shout({ toml, command: sh(script) }), "content\nno\nno\n");
});

test("a file has the profile's content and mode, over a file of the host's or none", async (context) => {
  const directory = makeTree(context);
  const before = snapshot(directory);
  const content = 'two lines,\n"quotes", ünïcode, and no newline';
  const toml = `${hostTree}${mount("file", { target: `${directory}/file`, content })}${mount("file", { target: "/made", content: "x", mode: "0640" })}`;
  const script = `${attempt}cat "$1/file"; echo; stat -c %a "$1/file" /made; try sh -c 'echo y >>/made'`;
  const output = await shout({
    toml,
    command: sh(script, directory),
    wrapper: ["sh", "-c", 'umask 077; exec "$0" "$@"'],
  });
  assert.is(output, `${content}\n444\n640\nyes\n`);
  assert.equal(snapshot(directory), before);
});

test("a read-only generated file can't be changed, not even by root inside", async () => {
  const toml = `${hostTree}[user]\nuid = "root"\n${mount("file", { target: "/made", content: "x" })}`;
  const script = `${attempt}try sh -c 'echo y >/made'; try chmod 666 /made; try rm /made; cat /made`;
  assert.is(await shout({ toml, command: sh(script) }), "no\nno\nno\nx");
});

test("a file with a source is a copy: the host's stays as it is", async (context) => {
  const directory = makeTree(context);
  const bytes = Buffer.from(Array.from({ length: 512 }, (_, index) => index % 256));
  writeFileSync(`${directory}/file`, bytes);
  const toml = hostTree + mount("file", { target: "/copy", source: `${directory}/file`, mode: "0600" });
  const script = 'cmp /copy "$1/file" && echo same; echo changed >/copy; cat /copy';
  assert.is(await shout({ toml, command: sh(script, directory) }), "same\nchanged\n");
  assert.equal(readFileSync(`${directory}/file`), bytes);
});

test("a symbolic link says what the profile says, and need not lead anywhere", async () => {
  const toml = `${hostTree}${mount("symlink", { target: "/links/a/b", source: "../../etc" })}${mount("symlink", { target: "/dangling", source: "/absent" })}`;
  assert.is(await shout({ toml, command: ["readlink", "/links/a/b", "/dangling"] }), "../../etc\n/absent\n");
});

test("an optional source that does not exist is passed over, any other stops the start", async (context) => {
  const directory = makeTree(context);
  const source = `${directory}/absent`;
  for (const type of ["bind", "file"]) {
    const run = (optional: boolean) =>
      jail({
        toml: hostTree + mount(type, { source, target: "/shown", optional }),
        command: ["ls", "-d", "/etc"],
      });
    const passed = await run(true);
    assert.equal([passed.status, passed.stdout], [0, "/etc\n"]);
    const refused = await run(false);
    assert.is(refused.status, 125);
    assert.match(refused.stderr, source);
    assert.match(refused.stderr, "mount[2]");
  }
});

test("an optional source that exists is shown", async (context) => {
  const directory = makeTree(context);
  const toml = hostTree + mount("bind", { source: directory, target: "/shown", optional: true });
  assert.is(await shout({ toml, command: ["cat", "/shown/file"] }), "content\n");
});

test("type none takes away what an extended profile put at a path", async (context) => {
  const directory = makeTree(context);
  writeFileSync(`${directory}/under.toml`, hostTree + mount("tmpfs", { target: directory }));
  const toml = `extends = "${directory}/under.toml"\n`;
  assert.is(await shout({ toml, command: ["ls", directory] }), "");
  const taken = toml + mount("none", { target: directory });
  assert.match(await shout({ toml: taken, command: ["ls", directory] }), "under.toml");
});

test("two keys that want different things at one path are refused, and both are named", async (context) => {
  const directory = makeTree(context);
  const toml = `${hostTree}[files]\nread = ["${directory}"]\nhide = ["${directory}"]\n`;
  const { status, stderr } = await jail({ toml, command: ["true"] });
  assert.is(status, 125);
  for (const part of [directory, "files.read[0]", "files.hide[0]"]) assert.match(stderr, part);
});

test("a profile may say otherwise than the one it extends, and the command line than both", async (context) => {
  const directory = makeTree(context);
  writeFileSync(`${directory}/under.toml`, `${hostTree}[files]\nhide = ["${directory}"]\n`);
  const extended = `extends = "${directory}/under.toml"\n`;
  const command = ["ls", directory];
  assert.is(await shout({ toml: extended, command }), "");
  assert.match(await shout({ toml: `${extended}[files]\nread = ["${directory}"]\n`, command }), "under.toml");
  const options = ["--bind", directory];
  assert.match(await shout({ toml: extended, options, command }), "under.toml");
});

test("the order of the mounts in the profile means nothing", async (context) => {
  const directory = makeTree(context);
  const mounts = [
    mount("bind", { source: directory, target: "/mnt/a/b" }),
    mount("tmpfs", { target: "/mnt/a" }),
    mount("tmpfs", { target: "/mnt" }),
  ];
  const command = sh("touch /mnt/new /mnt/a/new; cd /mnt; find . | sort");
  const expected = ".\n./a\n./a/b\n./a/b/file\n./a/b/program\n./a/b/sub\n./a/new\n./new\n";
  assert.is(await shout({ toml: hostTree + mounts.join(""), command }), expected);
  assert.is(await shout({ toml: hostTree + mounts.reverse().join(""), command }), expected);
});
