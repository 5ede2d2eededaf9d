// Capabilities: none in any set, unless the profile keeps some, and those hold for the jail's own namespaces only. In:
// the five masks of /proc/self/status (capabilities(7)).
import * as assert from "../support/assert.ts";
import { attempt, hostTree, jail, makeDirectory, removeDirectory, sh, shout } from "../support/jail.ts";
import { suite } from "../support/suite.ts";

const test = suite("jail: capabilities");
const sets = ["CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"];

async function readSets(toml: string, options: string[] = []): Promise<bigint[]> {
  const status = await shout({ toml, options, command: ["cat", "/proc/self/status"] });
  return sets.map((name) =>
    BigInt(`0x${new RegExp(`^${name}:\\s*(\\w+)$`, "m").exec(status)?.[1] ?? "bad"}`),
  );
}

const keep = (...names: string[]) => `${hostTree}[security]\ncapabilities = ${JSON.stringify(names)}\n`;
const none = [0n, 0n, 0n, 0n, 0n];

for (const user of ["keep", "root", "4321"]) {
  test(`all five sets are empty by default (user: ${user})`, async () => {
    assert.equal(await readSets(hostTree, ["--user", user]), none);
  });

  test(`what the profile keeps is in all five sets, and nothing else (user: ${user})`, async () => {
    const mask = (1n << 10n) | (1n << 13n);
    const toml = keep("CAP_NET_BIND_SERVICE", "net_raw");
    assert.equal(await readSets(toml, ["--user", user]), [mask, mask, mask, mask, mask]);
  });
}

test("without init the sets are the same", async () => {
  const options = ["--no-init", "--no-tty"];
  assert.equal(await readSets(hostTree, options), none);
  const mask = 1n << 10n;
  assert.equal(await readSets(keep("net_bind_service"), options), [mask, mask, mask, mask, mask]);
});

test("init has no capabilities either", async () => {
  const command = sh("sed -n 's/^Cap.*:\\s*//p' /proc/1/status");
  const output = await shout({ toml: hostTree, options: ["--user", "root"], command });
  assert.is(output, `${"0".repeat(16)}\n`.repeat(sets.length));
});

test("a low port can be served with the capability for it, and not without", async () => {
  const script = `require("node:net").createServer().on("error", (error) => console.log(error.code))
    .listen(80, "127.0.0.1", function () { console.log("up"); this.close(); })`;
  const command = [process.execPath, "-e", script];
  assert.is(await shout({ toml: hostTree, command }), "EACCES\n");
  assert.is(await shout({ toml: keep("net_bind_service"), command }), "up\n");
});

test("the host name can be set with the capability for it, and not without", async () => {
  const script = `${attempt}try hostname other; uname -n`;
  assert.is(await shout({ toml: hostTree, command: sh(script) }), "no\ntsjail\n");
  assert.is(await shout({ toml: keep("sys_admin"), command: sh(script) }), "yes\nother\n");
});

test("root inside, without capabilities, can't do what root can", async () => {
  const script = `${attempt}try mount -t tmpfs none /mnt; try umount /proc; try chroot / true; try mknod /dev/shm/x c 1 3
    try hostname other; try chown 1:1 /dev/shm; try nice -n -5 true; try unshare -n true; try date -s 2000-01-01
    try touch /dev/shm/new`;
  const options = ["--user", "root"];
  const output = await shout({ toml: hostTree, options, command: sh(script) });
  const answers = output.trim().split("\n");
  assert.is(answers.at(-1), "yes");
  // nice(1) goes on with its command when it may not.
  assert.equal(
    answers.slice(0, -1).filter((_, index) => index !== 6),
    Array(8).fill("no"),
  );
});

test("capabilities that are kept are of no use against the host's files", async ({ cleanup }) => {
  const directory = makeDirectory("capabilities");
  cleanup(() => removeDirectory(directory));
  const toml = keep("chown", "dac_override", "fowner", "mknod", "sys_admin", "sys_chroot");
  const script = `${attempt}try touch "$1/new"; try chown 1 "$1"; try mknod /dev/shm/x c 1 3; try mknod "$1/x" c 1 3
    try date -s 2000-01-01; try chroot / true`;
  const output = await shout({ toml, options: ["--user", "root"], command: sh(script, directory) });
  assert.is(output, "no\nno\nno\nno\nno\nyes\n");
});

test("a capability that does not exist is refused with the nearest name", async () => {
  const { status, stderr } = await jail({ toml: keep("net_bind_servic"), command: ["true"] });
  assert.is(status, 125);
  assert.match(stderr, /net_bind_service/i);
  assert.match(stderr, "security.capabilities[0]");
});
