// /dev: a handful of devices that do what they should, terminals and shared memory of the jail's own, and nothing of the
// machine's.
import { existsSync, readdirSync } from "node:fs";
import * as assert from "../support/assert.ts";
import { attempt, hostTree, mount, sh, shout } from "../support/jail.ts";
import { suite } from "../support/suite.ts";

const test = suite("jail: devices");

test("there are the usual devices and links, and no others", async () => {
  const names = ["fd", "full", "mqueue", "null", "ptmx", "pts", "random", "shm"];
  names.push("stderr", "stdin", "stdout", "tty", "urandom", "zero");
  const found = (await shout({ toml: hostTree, command: ["ls", "-A", "/dev"] })).trim().split("\n");
  // The console is there only with a terminal.
  assert.equal(found.filter((name) => name !== "console").sort(), names);
});

test("null swallows everything and gives nothing", async () => {
  const script = "head -c 1000000 /dev/zero >/dev/null && cat /dev/null | wc -c";
  assert.is(await shout({ toml: hostTree, command: sh(script) }), "0\n");
});

test("zero gives zeros", async () => {
  const script = "head -c 100000 /dev/zero | tr -d '\\0' | wc -c; head -c 100000 /dev/zero | wc -c";
  assert.is(await shout({ toml: hostTree, command: sh(script) }), "0\n100000\n");
});

test("full has no space left, and null beside it has", async () => {
  const script = `${attempt}cat /etc/passwd 2>&1 >/dev/full | grep -c 'No space left'; try sh -c 'cat /etc/passwd >/dev/null'`;
  assert.is(await shout({ toml: hostTree, command: sh(script) }), "1\nyes\n");
});

test("random and urandom give something else each time", async () => {
  const script =
    "for name in random urandom; do for n in 1 2; do head -c 16 /dev/$name | od -An -tx1; done; done";
  const lines = (await shout({ toml: hostTree, command: sh(script) })).trim().split("\n");
  assert.is(lines.length, 4);
  assert.is(new Set(lines).size, 4);
});

test("the links lead to the process's own descriptors", async () => {
  const script = `cat /dev/stdin; echo out >/dev/stdout; echo err >/dev/stderr
    exec 5</etc/passwd; cmp /dev/fd/5 /etc/passwd && echo same`;
  // What Node gives a child is a socket, and that can't be opened by its name.
  const wrapper = ["sh", "-c", 'echo in | "$0" "$@" 2>&1 | cat'];
  assert.is(await shout({ toml: hostTree, command: sh(script), wrapper }), "in\nout\nerr\nsame\n");
});

test("nothing can be made in /dev, and it takes no device files", async () => {
  const script = `${attempt}try touch /dev/new; try mkdir /dev/new; try rm /dev/null; try ln -s /etc /dev/new
    try mknod /dev/shm/null c 1 3; try touch /dev/shm/new`;
  const toml = `${hostTree}[user]\nuid = "root"\n`;
  assert.is(await shout({ toml, command: sh(script) }), "no\nno\nno\nno\nno\nyes\n");
});

test("the machine's own devices are not there, unless the profile binds them", async () => {
  const names = ["mem", "kmsg", "port", "fuse", "kvm", "loop-control", "net/tun", "vda", "sda"];
  const present = names.filter((name) => existsSync(`/dev/${name}`));
  const script = `${attempt}for name; do try test -e "/dev/$name"; done`;
  assert.ok(present.length > 0);
  assert.is(await shout({ toml: hostTree, command: sh(script, ...present) }), "no\n".repeat(present.length));
  const [name = ""] = present;
  const toml = hostTree + mount("bind", { source: `/dev/${name}`, nodev: false });
  assert.is(await shout({ toml, command: sh(script, name) }), "yes\n");
});

test("a device that the profile binds works only with nodev = false", async () => {
  const read = (nodev: boolean) => {
    const toml = hostTree + mount("bind", { source: "/dev/zero", target: "/dev/extra", nodev });
    return shout({ toml, command: sh(`${attempt}try head -c1 /dev/extra`) });
  };
  assert.is(await read(true), "no\n");
  assert.is(await read(false), "yes\n");
});

test("the terminals of others are not there", async () => {
  const found = await shout({ toml: hostTree, options: ["--no-tty"], command: ["ls", "-A", "/dev/pts"] });
  assert.is(found, "ptmx\n");
  assert.ok(readdirSync("/dev").includes("pts"));
});

test.needs("command:script")("a program in the jail can make terminals of its own", async () => {
  const command = ["script", "-qec", "tty; stty size </dev/tty >/dev/null && echo controlling", "/dev/null"];
  const output = await shout({ toml: hostTree, options: ["--no-tty"], command });
  assert.is(output.replace(/\r/g, ""), "/dev/pts/0\ncontrolling\n");
});

test("without a terminal /dev/tty can't be opened", async () => {
  const script = `${attempt}try sh -c ': </dev/tty'; test -c /dev/tty && echo there`;
  assert.is(await shout({ toml: hostTree, options: ["--no-tty"], command: sh(script) }), "no\nthere\n");
});

test("/dev can be elsewhere, and what the profile wants in it has its place", async () => {
  const extra = mount("dev", { target: "/other" }) + mount("tmpfs", { target: "/other/shm", size: "1M" });
  const script =
    "test -c /other/null && touch /other/shm/new && df -k /other/shm | tail -n1 | awk '{ print $2 }'";
  assert.is(await shout({ toml: hostTree + extra, command: sh(script) }), "1024\n");
});
