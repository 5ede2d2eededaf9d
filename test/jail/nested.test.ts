// User namespaces inside a jail: none by default; where the profile allows them, jails inside jails, which can neither
// undo what the outer one took away nor look out of it.
import { mkdirSync, writeFileSync } from "node:fs";
import * as assert from "../support/assert.ts";
import {
  attempt,
  hostTree,
  jail,
  makeDirectory,
  removeDirectory,
  sh,
  shout,
  tsjail,
} from "../support/jail.ts";
import { suite, type TestContext } from "../support/suite.ts";

const test = suite("jail: nested");
// Root inside can pass its id on only with a capability (below), so it is another one here. And the jail of a user who
// is root on the host keeps its masks on /proc, over which the kernel allows no further procfs: a range of ids is not.
const range = "map = [{ inside = 0, outside = 100000, count = 65536 }]\n";
const ids = (map: string) => `[user]\nuid = 1000\ngid = 1000\n${map}[namespaces]\nnested = true\n`;
const nested = hostTree + ids(process.getuid?.() === 0 ? range : "");

/** Two profiles on the host, and a secret. */
function makeScratch({ cleanup }: TestContext): string {
  const directory = makeDirectory("nested");
  cleanup(() => removeDirectory(directory));
  writeFileSync(`${directory}/inner.toml`, `hostname = "inner"\n${hostTree}`);
  writeFileSync(`${directory}/middle.toml`, `hostname = "middle"\n${hostTree}${ids("")}`);
  mkdirSync(`${directory}/private`);
  writeFileSync(`${directory}/private/key`, "key\n");
  return directory;
}

const inner = (directory: string, ...command: string[]) => [
  tsjail,
  "--profile",
  `${directory}/inner.toml`,
  "--",
  ...command,
];

test.needs("command:unshare")(
  "no user namespace can be made inside, unless the profile allows it",
  async () => {
    const script = `${attempt}try unshare -U true; try unshare -Ur true; try unshare -Urm true
    cat /proc/sys/user/max_user_namespaces`;
    for (const options of [[], ["--user", "root"]]) {
      assert.is(await shout({ toml: hostTree, options, command: sh(script) }), "no\nno\nno\n0\n");
    }
    assert.match(await shout({ toml: nested, command: sh(script) }), /^yes\nyes\nyes\n[1-9]\d*\n$/);
  },
);

test("the limit can't be lifted from inside", async () => {
  const script = `${attempt}try sh -c 'echo 10 >/proc/sys/user/max_user_namespaces'; try unshare -U true`;
  const toml = `${hostTree}[security]\ncapabilities = ["sys_resource"]\n`;
  assert.is(await shout({ toml, options: ["--user", "root"], command: sh(script) }), "no\nno\n");
});

// A profile that leaves /proc/sys writable, and gives the capability that its limits ask for.
const liftable = `${hostTree}[[mount]]\ntype = "none"\ntarget = "/proc/sys"\n[security]\n`;
const lift = `${attempt}try sh -c 'echo 10 >/proc/sys/user/max_user_namespaces'; try unshare -U true`;

test.needs("command:unshare")("each of the three ways to refuse one holds without the others", async () => {
  const ask = (security: string) =>
    shout({ toml: liftable + security, options: ["--user", "root"], command: sh(lift) });
  const [off, capable] = ['seccomp = "off"\n', 'capabilities = ["sys_resource"]\n'];
  // The filter alone: the limit has been lifted.
  assert.is(await ask(capable), "yes\nno\n");
  // The limit alone, which takes a capability to lift.
  assert.is(await ask(off), "no\nno\n");
  // The twin: all three are off.
  assert.is(await ask(off + capable), "yes\nyes\n");
});

test.needs("command:unshare")("`nested` opens the filter, too, and nothing else of it", async () => {
  const script = `${attempt}try unshare -U true; try unshare -Urm mount -t tmpfs none /mnt`;
  for (const policy of ["default", "off"]) {
    const security = `[security]\nseccomp = "${policy}"\n`;
    assert.is(await shout({ toml: nested + security, command: sh(script) }), "yes\nyes\n", policy);
    assert.is(await shout({ toml: hostTree + security, command: sh(script) }), "no\nno\n", policy);
  }
});

test("a jail runs inside a jail that allows it", async (context) => {
  const directory = makeScratch(context);
  const script = 'uname -n; readlink /proc/self/ns/user; shift; "$@"';
  const command = sh(
    script,
    "-",
    ...inner(directory, "sh", "-c", "uname -n; readlink /proc/self/ns/user; id -u"),
  );
  const output = await shout({ toml: `hostname = "outer"\n${nested}`, command });
  const [outerName, outerUser, innerName, innerUser, uid] = output.split("\n");
  assert.equal([outerName, innerName], ["outer", "inner"]);
  assert.is.not(outerUser, innerUser);
  assert.is(uid, "1000");
});

test.needs("root")(
  "where root of the host is in the jail, there is no other /proc inside, and the error says why",
  async (context) => {
    const directory = makeScratch(context);
    const { status, stderr } = await jail({ toml: hostTree + ids(""), command: inner(directory, "true") });
    assert.is(status, 125);
    assert.match(stderr, "too revealing");
  },
);

test("a jail in a jail in a jail runs, too", async (context) => {
  const directory = makeScratch(context);
  const middle = [tsjail, "--profile", `${directory}/middle.toml`, "--"];
  const command = sh(
    'uname -n; "$@"',
    ...middle,
    ...sh('uname -n; "$@"', ...inner(directory, "uname", "-n")),
  );
  assert.is(await shout({ toml: `hostname = "outer"\n${nested}`, command }), "outer\nmiddle\ninner\n");
});

test.needs("command:unshare")("root inside passes its id on only with the capability for it", async () => {
  // user_namespaces(7): since Linux 5.12 it takes CAP_SETFCAP to map the id 0 of the namespace around.
  const script = `${attempt}try unshare -U true; try unshare -Ur true`;
  const options = ["--user", "root"];
  assert.is(await shout({ toml: nested, options, command: sh(script) }), "yes\nno\n");
  const kept = `${nested}[security]\ncapabilities = ["setfcap"]\n`;
  assert.is(await shout({ toml: kept, options, command: sh(script) }), "yes\nyes\n");
});

test("inside a jail that does not allow it, tsjail fails with an error that says so", async (context) => {
  const directory = makeScratch(context);
  const { status, stdout, stderr } = await jail({ toml: hostTree, command: inner(directory, "true") });
  assert.equal([status, stdout], [125, ""]);
  assert.match(stderr, /nested|max_user_namespaces/);
});

test("a jail inside can't see the processes of the one around it", async (context) => {
  const directory = makeScratch(context);
  const list = 'for p in /proc/[0-9]*; do read name <"$p/comm"; echo "$name"; done';
  const script = `sleep 60 & sleep 0.2; ${list}; echo inner; shift; "$@"; kill $!`;
  const output = await shout({ toml: nested, command: sh(script, "-", ...inner(directory, ...sh(list))) });
  const [around, within] = output.split("inner\n");
  assert.match(around ?? "", /^sleep$/m);
  assert.match(within ?? "", /^sh$/m);
  assert.not.match(within ?? "", /^sleep$/m);
});

test("a jail inside can't get back what the one around it has hidden or made read-only", async (context) => {
  const directory = makeScratch(context);
  const toml = `${nested}[files]\nhide = ["${directory}/private"]\nwrite = ["/dev/shm"]\n`;
  const undo = `${attempt}try umount "$1/private"; try mount -o remount,bind,rw /; try umount -l /proc
    try mount -o remount,bind,rw /usr; try cat "$1/private/key"; try touch "$1/new"; try mount -t tmpfs none "$1"`;
  const output = await shout({ toml, command: ["unshare", "-Urm", ...sh(undo, directory)] });
  assert.is(output, "no\nno\nno\nno\nno\nno\nyes\n");
  const seen = await shout({ toml: nested, command: ["cat", `${directory}/private/key`] });
  assert.is(seen, "key\n");
});

test("a jail inside that asks for more than the one around it has does not get it", async (context) => {
  const directory = makeScratch(context);
  const ask = [
    tsjail,
    "--profile",
    `${directory}/inner.toml`,
    "--net",
    "host",
    "--bind",
    `${directory}:/w:rw`,
    "--",
  ];
  const script = `${attempt}cat /proc/net/dev | grep -c :; try touch /w/new; try cat /w/private/key`;
  const toml = `${nested}[files]\nhide = ["${directory}/private"]\n`;
  assert.is(await shout({ toml, command: [...ask, ...sh(script)] }), "1\nno\nno\n");
});
