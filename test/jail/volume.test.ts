// Volumes in jails: made on first use, kept, shared, removed. In: a home of the test's own, and a root with next to nothing
// in it. What is copied and how: test/volume/copy.test.ts.
// time-limit: 150s
import { execFileSync } from "node:child_process";
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  utimesSync,
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
  removeDirectory,
  sh,
  shout,
  snapshot,
  startJail,
  tsjail,
} from "../support/jail.ts";
import { until } from "../support/process.ts";
import { suite, type TestContext } from "../support/suite.ts";
import { countHolders, killNode } from "../volume/node.ts";

const test = suite("jail: volumes");

interface World {
  readonly home: string;
  readonly root: string;
  readonly volumes: string;
  readonly env: NonNullable<Jail["env"]>;
  /** A root with /data/old in it, and the volume `cache` at /data. */
  readonly toml: string;
}

const volume = (keys: string) => `[[volume]]\n${keys}\n`;
const cache = volume('name = "cache"\ntarget = "/data"');

function makeWorld({ cleanup }: TestContext): World {
  const home = makeDirectory("volume");
  cleanup(() => removeDirectory(home));
  const root = join(home, "root");
  mkdirSync(join(root, "data"), { recursive: true });
  mkdirSync(join(root, "other"));
  writeFileSync(join(root, "data/old"), "old\n");
  const volumes = join(home, ".local/share/tsjail/volumes");
  const toml = `${hostPrograms}[root]\ntype = "directory"\npath = "${root}"\n${cache}`;
  return { home, root, volumes, toml, env: { HOME: home, XDG_DATA_HOME: undefined } };
}

/** A command of tsjail's that starts no jail. */
function run(world: Pick<World, "env">, ...words: readonly string[]) {
  return runProgram(world, tsjail, ...words);
}

function runProgram({ env }: Pick<World, "env">, ...words: readonly string[]) {
  const environment = Object.entries({ ...process.env, ...env }).filter(([, value]) => value !== undefined);
  try {
    const stdout = execFileSync("sh", ["-c", 'exec "$@" 2>&1', "sh", ...words], {
      encoding: "utf8",
      stdio: ["ignore", "pipe", "pipe"],
      env: Object.fromEntries(environment),
    });
    return { status: 0, stdout };
  } catch (error) {
    return error as { status: number; stdout: string };
  }
}

/** The same under a lock of the volume's. */
function runLocked(world: World, flock: readonly string[], ...words: readonly string[]) {
  const lock = ["flock", ...flock, "-n", join(world.volumes, "cache/lock")];
  return runProgram(world, ...lock, tsjail, ...words);
}

function writeProfile({ home, toml }: World, text = toml): string {
  const path = join(home, "test.toml");
  writeFileSync(path, text);
  return path;
}

/** Starts a jail that has the volume until its input ends. */
async function hold(world: World) {
  const running = startJail({
    ...world,
    command: sh("echo there; read line"),
    stdio: ["pipe", "pipe", "pipe"],
  });
  await running.waitFor("there\n");
  return {
    pid: running.child.pid as number,
    kill: async () => {
      running.child.kill("SIGKILL");
      await running.ended;
    },
    end: async () => {
      running.child.stdin?.end();
      await running.ended;
    },
  };
}

/** What is kept, and what is half made. */
const list = ({ volumes }: World): string[] => {
  const names = existsSync(volumes) ? readdirSync(volumes).filter((name) => name !== ".tmp") : [];
  const drafts = existsSync(join(volumes, ".tmp")) ? readdirSync(join(volumes, ".tmp")) : [];
  return [...names, ...drafts.map((name) => `.tmp/${name}`)].sort();
};

test("a new volume begins with what the root has there; it is kept, and the root stays as it is", async (context) => {
  const world = makeWorld(context);
  const before = snapshot(world.root);
  const script = "cat /data/old; echo new >/data/new; rm /data/old";
  assert.is(await shout({ ...world, command: sh(script) }), "old\n");
  assert.is(await shout({ ...world, command: sh("cd /data; ls; cat new") }), "new\nnew\n");
  assert.equal(snapshot(world.root), before);
  assert.equal(list(world), ["cache"]);
  assert.equal(readdirSync(join(world.volumes, "cache/data")), ["new"]);
});

test("with copy = false, and in a root that has no directory of its own, it begins empty", async (context) => {
  const world = makeWorld(context);
  const empty = world.toml.replace('name = "cache"', 'name = "empty"\ncopy = false');
  assert.is(await shout({ ...world, toml: empty, command: sh("ls -A /data") }), "");
  const host = `${hostTree}${volume('name = "host"\ntarget = "/srv"')}`;
  assert.is(await shout({ ...world, toml: host, command: sh("touch /srv/x && ls -A /srv") }), "x\n");
  assert.not.ok(existsSync("/srv/x"));
  assert.is(await shout({ ...world, command: sh("ls /data") }), "old\n");
});

test("a kept layer over the root is part of what is copied", async (context) => {
  const world = makeWorld(context);
  const plain = world.toml.replace(cache, "");
  const layer = plain.replace(
    'type = "directory"',
    'type = "directory"\nwritable = "persistent"\nname = "work"',
  );
  await shout({ ...world, toml: layer, command: sh("rm /data/old; echo x >/data/layered") });
  assert.is(await shout({ ...world, toml: layer + cache, command: sh("ls /data") }), "layered\n");
  assert.is(await shout({ ...world, toml: plain, command: sh("ls /data") }), "old\n");
});

test("readonly and noexec hold, and their twins without them; nosuid and nodev are always there", async (context) => {
  const world = makeWorld(context);
  const script = `cp /bin/true /data/program; chmod 4755 /data/program; /data/program && echo runs
    grep " /data " /proc/self/mountinfo | grep -c "rw,nosuid,nodev"`;
  assert.is(await shout({ ...world, command: sh(script) }), "runs\n1\n");
  const closed = `${world.toml}readonly = true\nnoexec = true\n`;
  const attempts = "touch /data/x 2>/dev/null || echo refused; /data/program 2>/dev/null || echo refused";
  assert.is(await shout({ ...world, toml: closed, command: sh(attempts) }), "refused\nrefused\n");
});

test("jails share a volume at the same time, and one of them can have it twice", async (context) => {
  const world = makeWorld(context);
  const first = await hold(world);
  const twice = `${world.toml}${volume('name = "cache"\ntarget = "/other"\nreadonly = true')}`;
  const script = "echo shared >/data/new; cat /other/new; touch /other/x 2>/dev/null || echo refused";
  assert.is(await shout({ ...world, toml: twice, command: sh(script) }), "shared\nrefused\n");
  assert.is(readFileSync(`/proc/${first.pid}/comm`, "utf8"), "tsjail\n");
  await first.end();
});

test("first uses at once give one whole volume", { timeLimit: 60 }, async (context) => {
  const world = makeWorld(context);
  for (let index = 0; index < 500; index++) writeFileSync(join(world.root, `data/${index}`), "");
  const path = join(world.home, "path/deep");
  const toml = `${world.toml}${volume(`path = "${path}"\ntarget = "/other"`)}`;
  const jails = Array.from({ length: 6 }, (_, index) =>
    shout({
      ...world,
      toml,
      command: sh('ls /data | grep -c .; echo "$1" >/data/by-$1; touch /other/$1', `${index}`),
    }),
  );
  for (const count of await Promise.all(jails)) assert.ok(Number(count) >= 501, count);
  assert.equal(list(world), ["cache"]);
  const names = readdirSync(join(world.volumes, "cache/data"));
  assert.is(names.filter((name) => name.startsWith("by-")).length, 6);
  assert.is(names.length, 507);
  assert.equal(readdirSync(path).sort(), ["0", "1", "2", "3", "4", "5"]);
});

test("who is killed in the middle of a copy leaves no volume, and the next one takes away what is left", {
  timeLimit: 90,
}, async (context) => {
  const world = makeWorld(context);
  for (let index = 0; index < 20_000; index++) writeFileSync(join(world.root, `data/${index}`), "");
  const running = startJail({ ...world, command: ["true"] });
  const drafts = () => list(world).filter((name) => name.startsWith(".tmp/"));
  const isCopying = () => drafts().some((name) => existsSync(join(world.volumes, name, "cache/data/100")));
  await until(isCopying, "the copy to begin", 20);
  killNode(running.child.pid as number);
  const { signal, stdout } = await running.ended;
  assert.equal([signal, stdout], ["SIGKILL", ""]);
  assert.not.ok(existsSync(join(world.volumes, "cache")));
  assert.is(drafts().length, 1);
  assert.is(await shout({ ...world, command: sh("ls /data | grep -c .") }), "20001\n");
  assert.equal(list(world), ["cache"]);
});

test.needs(
  "userns",
  "command:unshare",
  "command:setpriv",
)("a copy that fills the disk leaves nothing, and says so", async (context) => {
  const world = makeWorld(context);
  writeFileSync(join(world.root, "data/large"), Buffer.alloc(3 * 1024 * 1024, 1));
  const share = join(world.home, ".local/share");
  mkdirSync(share, { recursive: true });
  const path = join(world.home, "path");
  const profile = writeProfile(world, `${world.toml}${volume(`path = "${path}"\ntarget = "/other"`)}`);
  // A small disk that only this process and its children see.
  const script = `cd /; mount -t tmpfs -o mode=0755,size=$1 tmpfs "$2" && shift 2 &&
      { setpriv --ambient-caps=-all --inh-caps=-all "$@" 2>&1; echo $?; find "${share}/tsjail/volumes" -mindepth 1; }`;
  const start = (size: string) =>
    execFileSync(
      "unshare",
      ["-Umc", "--keep-caps", "sh", "-c", script, "sh", size, share].concat([
        tsjail,
        "--no-cache",
        "-p",
        profile,
        "ls",
        "/data",
      ]),
      { encoding: "utf8", env: { ...process.env, HOME: world.home, XDG_DATA_HOME: "" } },
    );
  const full = start("1m");
  assert.match(full, /^tsjail: The making of a volume failed: no space left \(in .*volumes\)\.\n/);
  assert.match(full, /asked for by volume\[0\]|volume\[0\] in /);
  assert.match(full, /Nothing half-made was kept\. The disk is full/);
  assert.match(full, /\n125\n[^\n]*\/volumes\/\.tmp\n$/);
  assert.not.ok(existsSync(path));
  assert.match(start("8m"), /^large\nold\n0\n/);
  assert.ok(existsSync(path));
});

test("where a start fails for another reason nothing is made", async (context) => {
  const world = makeWorld(context);
  const path = join(world.home, "path");
  const both = `${world.toml}${volume(`path = "${path}"\ntarget = "/other"`)}`;
  const wrong = ['[security]\nseccomp = "/nonexistent.json"\n', `${cache.replace("cache", "other")}`];
  for (const more of wrong)
    assert.is((await jail({ ...world, toml: both + more, command: ["true"] })).status, 125);
  const profile = writeProfile(world, both);
  const { status, stdout } = run(world, "-p", profile);
  assert.is(status, 125);
  assert.match(stdout, /There is no command/);
  assert.equal([list(world), existsSync(path)], [[], false]);
  assert.is((await jail({ ...world, toml: both, command: ["true"] })).status, 0);
  assert.equal([list(world), existsSync(path)], [["cache"], true]);
});

test("plan and check make nothing, and say what would be made", (context) => {
  const world = makeWorld(context);
  const path = join(world.home, "path/deep");
  const more =
    volume('name = "empty"\ntarget = "/other"\ncopy = false') +
    volume(`path = "${path}"\ntarget = "/other/x"`);
  const profile = writeProfile(world, world.toml + more);
  for (const words of [
    ["plan", "-p", profile, "true"],
    ["check", profile],
  ]) {
    const { status, stdout } = run(world, ...words);
    assert.is(status, 0, stdout);
    assert.match(stdout, /The volume cache would be made, with a copy of what the root has at \/data\./);
    assert.match(stdout, /The volume empty would be made, empty\./);
    assert.match(stdout, new RegExp(`The directory ${path} would be made for a volume\\.`));
  }
  assert.equal([list(world), existsSync(join(world.home, "path"))], [[], false]);
});

test("a path that is missing is made by the umask, below what is one's own; and then it is as any other", async (context) => {
  const world = makeWorld(context);
  const path = join(world.home, "a/b/c");
  const toml = `${hostTree}${volume('path = "~/a/b/c"\ntarget = "/srv"')}`;
  const wrapper = ["sh", "-c", 'umask 027; exec "$@"', "sh"];
  await shout({ ...world, toml, wrapper, command: sh("echo kept >/srv/file") });
  assert.is(lstatSync(path).mode & 0o777, 0o750);
  assert.is(lstatSync(join(world.home, "a")).mode & 0o777, 0o750);
  assert.is(readFileSync(join(path, "file"), "utf8"), "kept\n");
  assert.is(await shout({ ...world, toml, command: sh("cat /srv/file") }), "kept\n");
  assert.not.ok(existsSync(world.volumes));
});

test("a path is not made where it is no matter of the user's", async (context) => {
  const world = makeWorld(context);
  const outside = join(world.home, "outside");
  mkdirSync(outside);
  mkdirSync(join(world.home, "project"));
  writeFileSync(join(world.home, "file"), "");
  symlinkSync(outside, join(world.home, "project/link"));
  symlinkSync(join(outside, "dangling"), join(world.home, "project/dangling"));
  symlinkSync("link", join(world.home, "link"));
  symlinkSync(join(outside, "dangling"), join(world.home, "dangling"));
  symlinkSync(outside, join(world.home, "own-link"));
  const before = snapshot(outside);
  const start = (path: string) =>
    jail({
      ...world,
      toml: `${hostTree}${volume(`path = "${path}"\ntarget = "/srv"`)}`,
      cwd: join(world.home, "project"),
      command: ["true"],
    });
  const refused: [string, RegExp][] = [
    ["$PWD/link/new", /leads .*link\/new out of the current directory/],
    ["$PWD/dangling", /leads .*dangling out of the current directory/],
    ["~/dangling", /dangling is a symbolic link to nothing/],
    ["~/dangling/new", /dangling is a symbolic link to nothing/],
    ["~/file/new", /file is no directory/],
    ["~/file", /file is no directory, and can be no volume/],
    ["~/link/new", /link\/new can't be looked at/],
    ["/proc/self/fd/new", /fd\/new: it does not exist/],
  ];
  for (const [path, message] of refused) {
    const { status, stderr } = await start(path);
    assert.is(status, 125, path);
    assert.match(stderr, message);
  }
  assert.equal(snapshot(outside), before);
  assert.is((await start("$PWD/new")).status, 0);
  assert.ok(lstatSync(join(world.home, "project/new")).isDirectory());
  assert.is((await start("~/own-link/new")).status, 0);
  assert.ok(lstatSync(join(outside, "new")).isDirectory());
});

test.needs("user")("nor in a directory of another user's", async (context) => {
  const world = makeWorld(context);
  const toml = `${hostTree}${volume('path = "/tmp/tsjail-test-nobody-makes-this"\ntarget = "/srv"')}`;
  const { status, stderr } = await jail({ ...world, toml, command: ["true"] });
  assert.is(status, 125);
  assert.match(stderr, /can't be made: \/tmp belongs to another user/);
});

test.needs("root")(
  "root makes nothing in another user's directory, and goes by no link of theirs",
  async (context) => {
    const world = makeWorld(context);
    const [theirs, own] = [join(world.home, "theirs"), join(world.home, "own")];
    for (const path of [theirs, own]) mkdirSync(path);
    symlinkSync(own, join(theirs, "link"));
    execFileSync("chown", ["-hR", "12345:12345", theirs]);
    const start = (path: string) =>
      jail({
        ...world,
        toml: `${hostTree}${volume(`path = "${path}"\ntarget = "/srv"`)}`,
        command: ["true"],
      });
    assert.match((await start(`${theirs}/new`)).stderr, /theirs belongs to another user/);
    assert.match(
      (await start(`${theirs}/link/new`)).stderr,
      /theirs\/link is a symbolic link of another user's/,
    );
    assert.equal([readdirSync(theirs), readdirSync(own)], [["link"], []]);
    assert.is((await start(`${own}/new`)).status, 0);
    // sudo without -H: a volume of root's would be in the way of whoever has that home.
    const env = { HOME: theirs, XDG_DATA_HOME: undefined };
    const { status, stderr } = await jail({ ...world, env, command: ["true"] });
    assert.is(status, 125);
    assert.match(stderr, /is in another user's directory/);
  },
);

test("ls, inspect and rm; rm names who has it, and takes away whatever modes are in it", async (context) => {
  const world = makeWorld(context);
  assert.match(run(world, "volume", "ls").stdout, /No volume is kept in/);
  const script = `cd /data; mkdir -p closed/in; touch closed/in/file; chmod 000 closed/in closed
    i=0; while [ $i -lt 30 ]; do d=$(printf %0200d 0); mkdir $d; cd $d; i=$((i+1)); done; chmod 000 /data`;
  await shout({ ...world, command: sh(script) });
  chmodSync(join(world.volumes, "cache/data"), 0o700);
  const [first, second] = [await hold(world), await hold(world)];
  const pids = [first.pid, second.pid].sort((a, b) => a - b);
  assert.match(
    run(world, "volume", "ls").stdout,
    new RegExp(
      `^cache  .* made 20..-..-.. ..:..:..  used 20..-..-.. ..:..:..  in use by ${pids.join(", ")}\n$`,
    ),
  );
  const busy = run(world, "volume", "rm", "cache");
  assert.is(busy.status, 125);
  assert.match(busy.stdout, new RegExp(`in use by the jails of the processes ${pids.join(", ")}\\.`));
  await second.end();
  assert.match(
    run(world, "volume", "rm", "cache").stdout,
    new RegExp(`in use by the jail of process ${first.pid}\\.`),
  );
  const seen = JSON.parse(run(world, "volume", "inspect", "cache").stdout);
  assert.equal(
    [seen.name, seen.directory, seen.pids],
    ["cache", join(world.volumes, "cache/data"), [first.pid]],
  );
  await first.end();
  const lock = join(world.volumes, "cache/lock");
  const look = () => JSON.parse(run(world, "volume", "ls", "--json").stdout)[0];
  utimesSync(lock, 0, 0);
  assert.equal([look().pids, look().used], [[], "1970-01-01T00:00:00.000Z"]);
  await shout({ ...world, command: ["true"] });
  assert.ok(Date.parse(look().used) > Date.parse(look().created));
  assert.match(
    run(world, "volume", "inspect", "cahce").stdout,
    /There is no volume cahce; did you mean "cache"\?/,
  );
  const removed = run(world, "volume", "rm", "cache");
  assert.equal([removed.status, removed.stdout], [0, "tsjail: The volume cache is removed.\n"]);
  assert.equal(list(world), []);
  assert.is(await shout({ ...world, command: sh("ls /data") }), "old\n");
});

test("the lock ends with the jail, however that ends", async (context) => {
  const world = makeWorld(context);
  const running = await hold(world);
  assert.match(run(world, "volume", "ls").stdout, /in use/);
  await running.kill();
  await until(() => !run(world, "volume", "ls").stdout.includes("in use"), "the volume to be let go of");
  assert.is(run(world, "volume", "rm", "cache").status, 0);
});

test.needs("root")("init holds the lock too, and the command does not", async (context) => {
  const world = makeWorld(context);
  const running = await hold(world);
  assert.is(countHolders(running.pid, join(world.volumes, "cache/lock")), 1);
  await running.end();
});

test.needs("command:flock")("while a volume is being removed no jail starts in it", (context) => {
  const world = makeWorld(context);
  const profile = writeProfile(world);
  const start = (...flock: string[]) =>
    run(world, "-p", profile, "sh", "-c", "cat /data/old").status === 0
      ? runLocked(world, flock, "-p", profile, "cat", "/data/old")
      : undefined;
  assert.equal(start("-s"), { status: 0, stdout: "old\n" });
  const refused = start("-x");
  assert.is(refused?.status, 125);
  assert.match(refused?.stdout ?? "", /can't use the volume cache|use the volume cache/);
  assert.match(refused?.stdout ?? "", /It is being removed just now\./);
});

test("a volume that was removed is made anew by the same command line, whose plan is kept", async (context) => {
  const world = makeWorld(context);
  const path = join(world.home, "path");
  const profile = writeProfile(world, `${world.toml}${volume(`path = "${path}"\ntarget = "/other"`)}`);
  const start = () => run(world, "-p", profile, "sh", "-c", "ls /data /other; touch /data/new /other/new");
  const [first, later] = ["/data:\nold\n\n/other:\n", "/data:\nnew\nold\n\n/other:\nnew\n"];
  assert.equal(start(), { status: 0, stdout: first });
  assert.equal(start(), { status: 0, stdout: later });
  assert.is(run(world, "volume", "rm", "cache").status, 0);
  rmSync(path, { recursive: true });
  assert.equal(start(), { status: 0, stdout: first });
  rmSync(path, { recursive: true });
  assert.equal(start(), { status: 0, stdout: later.replace("/other:\nnew\n", "/other:\n") });
});

test("compile makes the volumes, and the plan goes where they are", async (context) => {
  const world = makeWorld(context);
  const plan = join(world.home, "test.plan");
  const compiled = run(world, "compile", writeProfile(world), "-o", plan);
  assert.is(compiled.status, 0, compiled.stdout);
  assert.match(compiled.stdout, /The plan needs the volume cache/);
  assert.equal(list(world), ["cache"]);
  const start = () => run(world, "run", plan, "ls", "/data");
  assert.equal(start(), { status: 0, stdout: "old\n" });
  assert.is(run(world, "volume", "rm", "cache").status, 0);
  const without = start();
  assert.is(without.status, 125);
  assert.match(without.stdout, /was compiled for a host with something else at .*\/volumes\/cache/);
  assert.equal(list(world), []);
});

test("a damaged volume is not used, and can be removed", async (context) => {
  const world = makeWorld(context);
  await shout({ ...world, command: ["true"] });
  for (const part of ["lock", "data"]) {
    const place = join(world.volumes, "cache", part);
    renameSync(place, join(world.home, "aside"));
    const { status, stderr } = await jail({ ...world, command: ["true"] });
    assert.is(status, 125);
    assert.match(stderr, /The volume cache is damaged: parts of it are missing.*tsjail volume rm cache/s);
    renameSync(join(world.home, "aside"), place);
    await shout({ ...world, command: ["true"] });
  }
  rmSync(join(world.volumes, "cache/lock"));
  assert.is(run(world, "volume", "rm", "cache").status, 0);
  await shout({ ...world, command: ["true"] });
});

test("what a jail has left in a volume leads neither the next jail nor a command of tsjail's out of it", async (context) => {
  const world = makeWorld(context);
  const outside = join(world.home, "outside");
  mkdirSync(outside);
  writeFileSync(join(outside, "key"), "secret");
  const before = snapshot(outside);
  const put = '[[mount]]\ntype = "file"\ntarget = "/data/put/file"\ncontent = "put"\n';
  await shout({ ...world, command: sh("mkdir /data/put; touch /data/put/file") });
  assert.is(await shout({ ...world, toml: world.toml + put, command: sh("cat /data/put/file") }), "put");
  for (const way of [
    outside,
    `../../../../../../../..${outside}`,
    `/proc/self/root${outside}`,
    "/proc/1/cwd",
  ]) {
    await shout({
      ...world,
      command: sh('rm -rf /data/put; ln -s "$1" /data/put; ln -sf "$1" /data/link', way),
    });
    const { status } = await jail({
      ...world,
      toml: world.toml + put,
      command: sh("cat /data/put/key; echo x >/data/put/made"),
    });
    assert.is.not(status, 0, way);
    assert.equal(snapshot(outside), before, way);
  }
  assert.is(run(world, "volume", "inspect", "cache").status, 0);
  assert.is(run(world, "volume", "rm", "cache").status, 0);
  assert.equal(snapshot(outside), before);
});

test("volumes are nobody's to see but by their names", async (context) => {
  const world = makeWorld(context);
  await shout({ ...world, command: ["true"] });
  const around = `${hostTree}[files]\nwrite = ["${world.home}"]\n${volume('name = "cache"\ntarget = "/srv"')}`;
  const script = `ls -A "$1/.local/share/tsjail"; ls /srv; touch "$1/.local/share/tsjail/x" 2>/dev/null || echo refused`;
  assert.is(await shout({ ...world, toml: around, command: sh(script, world.home) }), "old\nrefused\n");
  const direct = `${hostTree}${volume(`path = "${world.volumes}/cache/data"\ntarget = "/srv"`)}`;
  const { status, stderr } = await jail({ ...world, toml: direct, command: ["true"] });
  assert.is(status, 125);
  assert.match(stderr, /is tsjail's own: no jail may have it/);
});
