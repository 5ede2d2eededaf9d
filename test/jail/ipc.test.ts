// System V and POSIX IPC: what others have made is not there. In: objects made with util-linux's ipcmk, and queues made
// in another jail.
import { execFileSync } from "node:child_process";
import { existsSync, rmSync, writeFileSync } from "node:fs";
import * as assert from "../support/assert.ts";
import { hostTree, jail, mount, sh, shout, startJail } from "../support/jail.ts";
import { suite } from "../support/suite.ts";

const test = suite("jail: ipc");
const withHost = `${hostTree}[namespaces]\nipc = "host"\n`;
const kinds = [
  ["a queue", "-q", ["-Q"]],
  ["a shared memory segment", "-m", ["-M", "64"]],
  ["a semaphore", "-s", ["-S", "1"]],
] as const;

for (const [title, flag, make] of kinds) {
  test.needs("command:ipcmk", "command:ipcs")(
    `${title} of the host's is not seen, unless the ipc namespace is the host's`,
    async ({ cleanup }) => {
      const id = /\d+/.exec(execFileSync("ipcmk", [...make], { encoding: "utf8" }))?.[0] ?? "";
      cleanup(() => execFileSync("ipcrm", [flag, id]));
      const script = 'ipcs "$1" -i "$2" 2>&1 | grep -c "mode="; true';
      assert.is(await shout({ toml: hostTree, command: sh(script, flag, id) }), "0\n");
      assert.is(await shout({ toml: withHost, command: sh(script, flag, id) }), "1\n");
      const removed = await jail({ toml: hostTree, command: ["ipcrm", flag, id] });
      assert.is.not(removed.status, 0);
      assert.match(execFileSync("ipcs", [flag, "-i", id], { encoding: "utf8" }), "mode=");
    },
  );
}

test.needs("command:ipcmk", "command:ipcs")("what a jail makes is its own, and gone with it", async () => {
  const script = "ipcmk -Q >/dev/null && ipcs -q | grep -c ^0x";
  assert.is(await shout({ toml: hostTree, command: sh(script) }), "1\n");
  assert.is(await shout({ toml: hostTree, command: sh("ipcs -q | grep -c ^0x; true") }), "0\n");
});

test("POSIX message queues are the jail's own", async () => {
  const theirs = startJail({
    toml: hostTree,
    command: sh("touch /dev/mqueue/theirs; ls /dev/mqueue; read line"),
  });
  assert.is(await theirs.waitFor("\n"), "theirs\n");
  const script = "ls /dev/mqueue; touch /dev/mqueue/mine; ls /dev/mqueue";
  assert.is(await shout({ toml: hostTree, command: sh(script) }), "mine\n");
  theirs.child.stdin?.end("\n");
  assert.is((await theirs.ended).status, 0);
});

test("a mount of type mqueue shows the same queues elsewhere", async () => {
  const toml = hostTree + mount("mqueue", { target: "/queues" });
  assert.is(await shout({ toml, command: sh("touch /queues/mine; ls /dev/mqueue") }), "mine\n");
});

test("/dev/shm is the jail's own, unless the profile binds the host's", async ({ cleanup }) => {
  const name = `tsjail-test-${process.pid}`;
  const path = `/dev/shm/${name}`;
  writeFileSync(path, "theirs\n");
  cleanup(() => rmSync(path));
  const script = 'ls -A /dev/shm; touch "/dev/shm/$1-2"; ls -A /dev/shm';
  assert.is(await shout({ toml: hostTree, command: sh(script, name) }), `${name}-2\n`);
  assert.not.ok(existsSync(`${path}-2`));
  const bound = hostTree + mount("bind", { source: "/dev/shm" });
  assert.is(await shout({ toml: bound, command: ["cat", path] }), "theirs\n");
});
