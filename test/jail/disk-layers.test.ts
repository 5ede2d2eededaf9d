// Layers that are thrown away and lie on disk: that they do, and that nothing is left of them, whoever is killed and
// whatever a jail has put there. In: homes of the test's own. The same in memory: overlay.test.ts; kept: kept-layer.test.ts.
import { execFileSync } from "node:child_process";
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import * as assert from "../support/assert.ts";
import {
  hostPrograms,
  hostTree,
  type Jail,
  jail,
  makeDirectory,
  mount,
  removeDirectory,
  sh,
  shout,
  startJail,
} from "../support/jail.ts";
import { until } from "../support/process.ts";
import { suite, type TestContext } from "../support/suite.ts";

const test = suite("jail: layers on disk");

interface World {
  readonly home: string;
  readonly scratch: string;
  readonly env: NonNullable<Jail["env"]>;
  /** A root with next to nothing in it, /data among that. */
  readonly toml: string;
  readonly root: string;
}

function makeWorld({ cleanup }: TestContext): World {
  const home = makeDirectory("disk");
  cleanup(() => removeDirectory(home));
  const root = join(home, "root");
  mkdirSync(join(root, "data"), { recursive: true });
  writeFileSync(join(root, "data/file"), "content\n");
  return {
    home,
    root,
    scratch: join(home, ".local/share/tsjail/scratch"),
    env: { HOME: home, XDG_DATA_HOME: undefined },
    toml: `${hostPrograms}[root]\ntype = "directory"\npath = "${root}"\nwritable = "ephemeral"\nscratch = "disk"\n`,
  };
}

/** The directories of jails that are there. */
const list = ({ scratch }: Pick<World, "scratch">): string[] => readdirSync(scratch);

/** What a jail has written, as the host has it. */
function findOnHost({ scratch }: World, name: string): string[] {
  const words = [scratch, "-name", name, "-type", "f"];
  // The kernel's own work directory is closed to its owner too.
  return execFileSync("sh", ["-c", 'find "$@" 2>/dev/null; true', "sh", ...words], { encoding: "utf8" })
    .split("\n")
    .filter(Boolean);
}

/** A jail that has written to its layer, until its input ends. */
async function hold(world: World, script = "echo there >/data/new", toml = world.toml) {
  const running = startJail({
    ...world,
    toml,
    command: sh(`${script}; echo ready; read line; cat /data/new; exit 3`),
    stdio: ["pipe", "pipe", "pipe"],
  });
  await running.waitFor("ready\n");
  const pid = running.child.pid as number;
  const childrenOf = (parent: number) =>
    readFileSync(`/proc/${parent}/task/${parent}/children`, "utf8").trim().split(" ").map(Number);
  // Not Node, which may be keeping the plan still, nor fuse-overlayfs.
  const findInit = () =>
    childrenOf(pid).find((child) => readFileSync(`/proc/${child}/comm`, "utf8") === "tsjail\n") as number;
  // Before that the monitor may not know yet that the command runs.
  await until(() => !readdirSync(`/proc/${pid}/fd`).includes("1"), "the monitor to know of the start");
  return {
    ...running,
    pid,
    init: findInit,
    command: () => childrenOf(findInit())[0] as number,
    end: () => {
      running.child.stdin?.end();
      return running.ended;
    },
  };
}

/** The same in a world of its own, with a small tmpfs for tsjail's data. */
const inSmallSpace = (options: string): string[] => [
  ...["unshare", "--user", "--mount", "--map-current-user", "--keep-caps", "sh", "-c"],
  `mount -t tmpfs -o mode=0777,${options} small "$XDG_DATA_HOME" || exit 99
   setpriv --inh-caps=-all --ambient-caps=-all "$@"; status=$?; ls "$XDG_DATA_HOME"/tsjail/scratch >&2; exit $status`,
  "sh",
];

test("what is written lies on the disk while the jail lives, and is gone with it", async (context) => {
  const world = makeWorld(context);
  const running = await hold(world, "head -c 3000000 /dev/zero >/data/new2; echo there >/data/new");
  const [found = ""] = findOnHost(world, "new2");
  assert.is(statSync(found).size, 3_000_000);
  assert.is(statSync(found).dev, statSync(world.home).dev);
  assert.is(list(world).length, 1);
  assert.is(lstatSync(join(world.scratch, list(world)[0] ?? "")).mode & 0o777, 0o700);
  const { status, stdout } = await running.end();
  assert.equal([status, stdout], [3, "ready\nthere\n"]);
  assert.equal(list(world), []);
  assert.equal(readdirSync(join(world.root, "data")), ["file"]);
});

test("in memory nothing of it is on the disk", async (context) => {
  const world = makeWorld(context);
  const running = await hold(world, undefined, world.toml.replace('"disk"', '"memory"'));
  assert.not.ok(existsSync(world.scratch));
  await running.end();
});

test("over the host's tree, over single directories, and beside a kept layer that another jail has", async (context) => {
  const world = makeWorld(context);
  const { env } = world;
  const host = `${hostTree}writable = "ephemeral"\nscratch = "disk"\n`;
  assert.is(await shout({ toml: host, env, command: sh("echo x >/opt/new; cat /opt/new") }), "x\n");
  assert.equal(list(world), []);
  const single = `${hostTree}scratch = "disk"\n${mount("overlay", { target: "/layers" })}lower = ["${world.root}"]\n`;
  const running = await hold(world, "echo x >/layers/new3; mkdir /tmp/x 2>/dev/null", single);
  assert.is(findOnHost(world, "new3").length, 1);
  await running.end();
  const kept = world.toml.replace('"ephemeral"', '"persistent"\nname = "work"\nbusy = "ephemeral"');
  const first = await hold(world, undefined, kept);
  assert.equal(findOnHost(world, "new"), []);
  const second = await hold(world, "cat /data/new; echo mine >/data/new4", kept);
  assert.is(findOnHost(world, "new4").length, 1);
  assert.is((await second.end()).stdout, "there\nready\nthere\n");
  // Whether it is needed is known only when the kept layer is asked for: the first one has an empty one.
  assert.is(list(world).length, 1);
  await first.end();
  assert.equal(list(world), []);
});

test.needs("command:fuse-overlayfs")("fuse-overlayfs's layers lie there as well", async (context) => {
  const world = makeWorld(context);
  const running = await hold(world, undefined, `${world.toml}overlay = "fuse"\n`);
  assert.is(findOnHost(world, "new").length, 1);
  assert.equal((await running.end()).status, 3);
  assert.equal(list(world), []);
});

test("nobody in a jail gets to it", async (context) => {
  const world = makeWorld(context);
  const { env, home } = world;
  const running = await hold(world);
  const shown = `${hostTree}\n[files]\nwrite = ["${home}"]\n`;
  const script = `ls -A ${home}/.local/share/tsjail; ls ${home}`;
  assert.is(await shout({ toml: shown, env, command: sh(script) }), "root\n");
  await running.end();
});

for (const whom of ["command", "init"] as const) {
  test(`nothing is left where the ${whom} was killed`, async (context) => {
    const world = makeWorld(context);
    const running = await hold(world);
    process.kill(running[whom](), "SIGKILL");
    const { status, signal } = await running.ended;
    assert.equal([status, signal], [137, null]);
    assert.equal(list(world), []);
  });
}

test("a start that fails after it was made leaves nothing", async (context) => {
  const world = makeWorld(context);
  const toml = world.toml + mount("bind", { source: "/nonexistent", target: "/data" });
  assert.is((await jail({ ...world, toml, command: ["true"] })).status, 125);
  assert.equal(list(world), []);
  assert.is((await jail({ ...world, command: ["nonexistent"] })).status, 127);
  assert.equal(list(world), []);
});

test("what a killed monitor leaves behind the next start removes, and nothing else", async (context) => {
  const world = makeWorld(context);
  const [killed, living] = [await hold(world), await hold(world)];
  const init = killed.init();
  killed.child.kill("SIGKILL");
  await killed.ended;
  await until(() => !existsSync(`/proc/${init}`), "init to end");
  assert.is(list(world).length, 2);
  const outside = join(world.home, "outside");
  mkdirSync(outside);
  writeFileSync(join(outside, "file"), "");
  const [link, other, file] = ["77-0123456789abcdef", "77-0123456789abcdef.old", "78-0123456789abcdef"];
  symlinkSync(outside, join(world.scratch, link));
  mkdirSync(join(world.scratch, other));
  writeFileSync(join(world.scratch, file), "");
  const left = list(world).find((name) => name.startsWith(`${killed.pid}-`)) ?? "";
  const taken = list(world).find((name) => name.startsWith(`${living.pid}-`)) ?? "";
  await shout({ ...world, command: ["true"] });
  assert.not.ok(existsSync(join(world.scratch, left)));
  assert.equal(list(world).sort(), [taken, link, other, file].sort());
  assert.equal(readdirSync(outside), ["file"]);
  assert.equal((await living.end()).stdout, "ready\nthere\n");
  assert.equal(list(world).sort(), [link, other, file].sort());
});

test("two jails at once have a directory each", async (context) => {
  const world = makeWorld(context);
  const [one, two] = [await hold(world, "echo 1 >/data/new"), await hold(world, "echo 2 >/data/new")];
  assert.is(list(world).length, 2);
  assert.is((await one.end()).stdout, "ready\n1\n");
  assert.is(list(world).length, 1);
  assert.is((await two.end()).stdout, "ready\n2\n");
  assert.equal(list(world), []);
});

test("many starts at once don't take each other's directories away", async (context) => {
  const world = makeWorld(context);
  const command = sh("echo x >/data/new; cat /data/new");
  const outputs = await Promise.all(Array.from({ length: 12 }, () => shout({ ...world, command })));
  assert.equal(outputs, Array(12).fill("x\n"));
  assert.equal(list(world), []);
});

test("whatever a jail has put there goes, and what its links lead to stays", {
  timeLimit: 120,
}, async (context) => {
  const world = makeWorld(context);
  const outside = join(world.home, "outside");
  mkdirSync(outside, { mode: 0o750 });
  writeFileSync(join(outside, "file"), "content\n");
  const script = `cd /data; rm file
    mkdir deep; cd deep; i=0; while [ $i -lt 300 ]; do mkdir d; : >d/f; ln -s "$1" d/l; cd d; i=$((i+1)); done; cd /data
    mkdir many; cd many; seq 20000 | xargs touch; cd ..
    mkdir wide; cd wide; for i in $(seq 200); do mkdir -p $i/0/1; : >$i/0/1/f; done; cd ..
    ln -s "$1" link; ln -s "$1/file" file-link; ln -s / root; mkdir dots; : >dots/...; : >dots/.hidden
    mkdir "two
lines"; : >"two
lines/a
b"; mkfifo pipe; mkdir -p closed/in/er; : >closed/in/er/file; mkdir -p full/0 full/1; : >full/0/x; ln -s "$1" full/1/l
    chmod 000 closed/in/er/file; chmod 000 closed/in/er; chmod 000 closed/in; chmod 000 closed
    chmod 000 deep; chmod 1555 wide; chmod 000 /data; chmod 000 / 2>/dev/null; echo done`;
  const running = startJail({ ...world, command: sh(script, outside), timeout: 100, stdio: "pipe" });
  assert.equal((await running.ended).stdout, "done\n");
  assert.equal(list(world), []);
  assert.equal(readFileSync(join(outside, "file"), "utf8"), "content\n");
  assert.is(statSync(outside).mode & 0o777, 0o750);
  assert.is(readFileSync(join(world.root, "data/file"), "utf8"), "content\n");
});

const needsSpace = test.needs("userns", "command:unshare", "command:setpriv");

needsSpace("a full disk is an error of the command's, and the layer goes all the same", async (context) => {
  const world = makeWorld(context);
  const data = join(world.home, "small");
  mkdirSync(data);
  const env = { ...world.env, XDG_DATA_HOME: data };
  const command = sh("head -c 3000000 /dev/zero >/data/new; echo $?");
  const start = (options: string) =>
    jail({ ...world, env, command, options: ["--no-cache"], wrapper: inSmallSpace(options) });
  const small = await start("size=1M");
  assert.equal([small.status, small.stdout], [0, "1\n"]);
  assert.match(small.stderr, /^head: .*No space left on device\n$/);
  const large = await start("size=8M");
  assert.equal([large.status, large.stdout, large.stderr], [0, "0\n", ""]);
});

needsSpace("a disk with no room for the directories stops the start, and says so", async (context) => {
  const world = makeWorld(context);
  const data = join(world.home, "small");
  mkdirSync(data);
  const env = { ...world.env, XDG_DATA_HOME: data };
  const start = (options: string) =>
    jail({ ...world, env, command: ["true"], options: ["--no-cache"], wrapper: inSmallSpace(options) });
  for (const inodes of [3, 4, 5, 6, 7, 8]) {
    const { status, stderr } = await start(`size=1M,nr_inodes=${inodes}`);
    assert.is(status, inodes === 3 ? 125 : status, stderr);
    // Whatever is missing: never a jail that can't write.
    assert.ok(
      status === 0 || /is full, or (?:your quota there is used\s+up|read-only by\s+now)/.test(stderr),
      `${inodes}: ${stderr}`,
    );
  }
  assert.is((await start("size=1M,nr_inodes=60")).status, 0);
});

test("a place that can't be had stops the start, and says why", async (context) => {
  const world = makeWorld(context);
  const start = () => jail({ ...world, command: ["true"] });
  mkdirSync(join(world.scratch, ".."), { recursive: true });
  writeFileSync(world.scratch, "");
  const file = await start();
  assert.is(file.status, 125);
  assert.match(file.stderr, /make room on disk .*A part of .*scratch is no directory/s);
  assert.match(file.stderr, /asked for by root\.scratch in /);
  rmSync(world.scratch);
  mkdirSync(world.scratch);
  chmodSync(world.scratch, 0o777);
  const open = await start();
  assert.is(open.status, 125);
  assert.match(open.stderr, /others may write to it/);
  chmodSync(world.scratch, 0o700);
  assert.is((await start()).status, 0);
});

test.needs("user")("where this user may not write nothing starts", async (context) => {
  const world = makeWorld(context);
  mkdirSync(world.scratch, { recursive: true });
  chmodSync(world.scratch, 0o500);
  const closed = await jail({ ...world, command: ["true"] });
  assert.is(closed.status, 125);
  assert.match(closed.stderr, /You may not make .*scratch, or not write to it/);
  chmodSync(world.scratch, 0o700);
  assert.is((await jail({ ...world, command: ["true"] })).status, 0);
});

test.needs("root")("root makes nothing among another user's directories", async (context) => {
  const world = makeWorld(context);
  const theirs = join(world.home, "theirs");
  mkdirSync(theirs);
  execFileSync("chown", ["12345", theirs]);
  const start = (directory: string) =>
    jail({ ...world, env: { ...world.env, XDG_DATA_HOME: directory }, command: ["true"] });
  const foreign = await start(theirs);
  assert.is(foreign.status, 125);
  assert.match(foreign.stderr, /it is another user's/);
  assert.equal(readdirSync(theirs), []);
  assert.is((await start(join(world.home, "ours"))).status, 0);
});

test("the caller's umask means nothing to it", async (context) => {
  const world = makeWorld(context);
  const wrapper = ["sh", "-c", 'umask 0777; exec "$@"', "sh"];
  mkdirSync(join(world.home, ".local/share/tsjail"), { recursive: true });
  assert.is((await jail({ ...world, wrapper, options: ["--no-cache"], command: ["true"] })).status, 0);
  assert.equal(list(world), []);
});
