// Root emulation's credentials, by bare system calls (test/support/ids.c): what a process has set it is told afterwards,
// and so are its children, whatever it executes. What the kernel itself says to a real root is compared in runs as root.
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import * as assert from "../support/assert.ts";
import { scratch } from "../support/executor.ts";
import { hostTree, type Jail, jail, mount, sh, shout } from "../support/jail.ts";
import { suite } from "../support/suite.ts";

const test = suite("jail: emulated ids");
const root = '[user]\nuid = "root"\ngid = "root"\n';
const emulated = `${root}emulate = true\n`;

function idsProgram(): string {
  const path = join(scratch(), "ids");
  if (existsSync(path)) return path;
  const source = join(import.meta.dirname, "../support/ids.c");
  const words = ["-O1", "-pthread", "-o", path, source];
  const result = spawnSync(process.env.CC || "cc", words, { encoding: "utf8" });
  if (result.status !== 0) throw new Error(`ids.c can't be compiled: ${result.error ?? result.stderr}`);
  return path;
}

async function set(words: string, toml = emulated, wish: Partial<Jail> = {}): Promise<string> {
  const program = mount("bind", { source: idsProgram(), target: "/dev/shm/ids" });
  const command = ["/dev/shm/ids", ...words.split(" ")];
  return shout({ toml: hostTree + program + toml, ...wish, command });
}

/** Words for ids.c, after setgroups, and what it says: the kernel's own answers to root, of Linux 6.18. */
const answers: Readonly<Record<string, string>> = {
  "setuid:5 get calls setuid:0 setuid:5": "ok; 5,5,5,5 0,0,0,0 0; 5,5,0,0; EPERM; ok",
  "setreuid:5,6 get setreuid:6,5 setreuid:0,-1 setuid:6 get":
    "ok; 5,6,6,6 0,0,0,0 0; ok; EPERM; ok; 6,6,5,6 0,0,0,0 0",
  "setresuid:1,2,3 setresuid:3,-1,1 get setresuid:4,-1,-1 setresuid:-1,-1,-1":
    "ok; ok; 3,2,1,2 0,0,0,0 0; EPERM; ok",
  "setresuid:-1,42,-1 get setfsuid:7 setresuid:-1,0,-1 setuid:7 get":
    "ok; 0,42,0,42 0,0,0,0 0; 42; ok; ok; 7,7,7,7 0,0,0,0 0",
  "setfsuid:5 get setfsuid:0 setresuid:4,5,6 setfsuid:6 setfsuid:7 get":
    "ok; 0,0,0,5 0,0,0,0 0; 5; ok; 5; 6; 4,5,6,6 0,0,0,0 0",
  "setuid:-1 setgid:-1 setgid:8 setuid:8 setgid:9 setgroups:1": "EINVAL; EINVAL; ok; ok; EPERM; EPERM",
  "setgroups:4,5,6 setregid:7,8 setresgid:9,10,11 get setfsgid:12 setuid:3 setregid:11,9 setregid:10,9 get":
    "ok; ok; ok; 0,0,0,0 9,10,11,10 4,5,6; 10; ok; EPERM; ok; 3,3,3,3 10,9,9,9 4,5,6",
  "setgroups:1,2 setresgid:42,42,42 setresuid:43,43,43 fork get exec calls setresuid:0,0,0":
    "ok; ok; ok; 43,43,43,43 42,42,42,42 1,2; 43,43,42,42; EPERM",
  "groups:1,1 groups:70000,0 setgroups:1,2 getgroups:1,0 getgroups:2,1 getgroups:0,0 getgroups:-1,0":
    "EFAULT; EINVAL; ok; EINVAL; EFAULT; 2; EINVAL",
  "setuid:5 threads get": "ok; ok; 5,5,5,5 0,0,0,0 0",
  "setuid:4294967294 calls": "ok; 4294967294,4294967294,0,0",
};
const shorten = (text: string) =>
  text
    .replaceAll(/^\S+ /gm, "")
    .trim()
    .split("\n")
    .map((line) => line.trim())
    .join("; ");

for (const [words, expected] of Object.entries(answers)) {
  test(`as root is answered: ${words}`, async () => {
    assert.is(shorten(await set(`setgroups:0 ${words}`)), `ok; ${expected}`);
  });
  test.needs("root")(`the kernel says so too: ${words}`, () => {
    const { stdout } = spawnSync(idsProgram(), ["setgroups:0", ...words.split(" ")], { encoding: "utf8" });
    assert.is(shorten(stdout), `ok; ${expected}`);
  });
}

test("without it there is only the id that is mapped", async () => {
  assert.is(shorten(await set("setuid:0 setgroups:1 setuid:5", root)), "ok; EPERM; EINVAL");
  assert.is(shorten(await set("setuid:0 setgroups:1 setuid:5")), "ok; ok; ok");
});

test("who keeps capabilities over a change of ids can change groups after it, as setpriv does", async () => {
  const after = "setresuid:5,5,5 setresgid:6,6,6 setgroups:7 get setuid:0";
  assert.is(
    shorten(await set(`setgroups:0 keep:1 ${after}`)),
    "ok; ok; ok; ok; ok; 5,5,5,5 6,6,6,6 7; EPERM",
  );
  assert.is(
    shorten(await set(`setgroups:0 keep:1 keep:0 ${after}`)),
    "ok; ok; ok; ok; EPERM; EPERM; 5,5,5,5 0,0,0,0 0; EPERM",
  );
});

test("setting all limits, as pam_limits does, changes nothing of it", async () => {
  assert.is(shorten(await set("setuid:5 limit:0 limit:9 calls")), "ok; ok; ok; 5,5,0,0");
});

test("a caller's own limit on locks is no obstacle as long as there is room in it", async () => {
  const wrapper = ["sh", "-c", 'ulimit -H -x 2>/dev/null; exec prlimit --locks=1:2 "$@"', "sh"];
  const said = shorten(await set("setuid:5 setuid:5 calls", emulated, { wrapper }));
  assert.is(said, "ok; ok; 5,5,0,0");
  assert.is(shorten(await set("setgid:4 setuid:5", emulated, { wrapper })), "ok; EAGAIN");
});

test("the gid that the jail begins with need not be root's", async () => {
  const gid = process.getgid?.() ?? 0;
  const said = shorten(await set("calls setgid:9 calls", '[user]\nuid = "root"\nemulate = true\n'));
  assert.is(said, `0,0,${gid},${gid}; ok; 0,0,9,9`);
});

for (const options of [["--no-init"], ["--no-tty"], []]) {
  test(`with ${options.join(" ") || "a terminal where there is one"}`, async () => {
    assert.is(shorten(await set("setuid:5 calls", emulated, { options })), "ok; 5,5,0,0");
  });
}

test("what the policy refuses stays refused", async () => {
  const strict = '[security]\nseccomp = "strict"\n';
  assert.is(shorten(await set("setuid:5 calls", emulated + strict)), "EPERM; 0,0,0,0");
  const own = '[security.syscalls]\nsetuid = "EACCES"\n';
  assert.is(shorten(await set("setuid:5 setreuid:5,5", emulated + own)), "EACCES; ok");
  const off = '[security]\nseccomp = "off"\n';
  assert.is(shorten(await set("setuid:5 calls", emulated + off)), "ok; 5,5,0,0");
});

test("a thousand programs that change ids at once are each told their own", async () => {
  const script = `for i in 1 2 3 4 5 6 7 8; do (
    for j in $(seq 40); do /dev/shm/ids setgid:$i$j setuid:$j$i fork exec calls; done | sort -u | wc -l) & done; wait`;
  const program = mount("bind", { source: idsProgram(), target: "/dev/shm/ids" });
  const said = await shout({ toml: hostTree + program + emulated, command: sh(script) });
  // 40 different answers each, and the two lines "setgid:… ok" and "setuid:… ok" of each.
  assert.equal(said.trim().split("\n"), Array(8).fill("120"));
});

test("who asks and is killed meanwhile leaves no harm", async () => {
  const script = `for i in $(seq 50); do
    timeout -s KILL 0.0$((i % 9 + 1)) sh -c 'while :; do /dev/shm/ids setuid:5; done' >/dev/null 2>&1
  done; /dev/shm/ids setuid:6 calls`;
  const program = mount("bind", { source: idsProgram(), target: "/dev/shm/ids" });
  const { stdout, status } = await jail({ toml: hostTree + program + emulated, command: sh(script) });
  assert.equal([shorten(stdout), status], ["ok; 6,6,0,0", 0]);
});
