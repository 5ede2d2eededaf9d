// Layers that are kept: written by one jail, seen by the next, by one at a time, and what `tsjail diff` and `tsjail
// layer` make of them. In: a home of the test's own, and a root with next to nothing in it.
import { execFileSync, spawn } from "node:child_process";
import {
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  symlinkSync,
  unlinkSync,
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
import { until, watch } from "../support/process.ts";
import { suite, type TestContext } from "../support/suite.ts";

const test = suite("jail: kept layers");

interface World {
  readonly home: string;
  readonly root: string;
  readonly layers: string;
  readonly env: NonNullable<Jail["env"]>;
  readonly toml: string;
}

function makeWorld({ cleanup }: TestContext): World {
  const home = makeDirectory("kept");
  cleanup(() => removeDirectory(home));
  const root = join(home, "root");
  mkdirSync(join(root, "data/old/deep"), { recursive: true });
  writeFileSync(join(root, "data/old/deep/file"), "deep\n");
  for (const name of ["changed", "gone", "same", "mode"])
    writeFileSync(join(root, "data", name), `${name}\n`);
  symlinkSync("same", join(root, "data/link"));
  const toml = `${hostPrograms}[root]\ntype = "directory"\npath = "${root}"\nwritable = "persistent"\nname = "work"\n`;
  const layers = join(home, ".local/share/tsjail/layers");
  return { home, root, layers, toml, env: { HOME: home, XDG_DATA_HOME: undefined } };
}

/** A command of tsjail's that starts no jail. */
function run({ env }: World, ...words: readonly string[]) {
  const environment = Object.entries({ ...process.env, ...env }).filter(([, value]) => value !== undefined);
  try {
    const stdout = execFileSync(tsjail, words, {
      encoding: "utf8",
      stdio: ["ignore", "pipe", "pipe"],
      env: Object.fromEntries(environment),
    });
    return { status: 0, stdout, stderr: "" };
  } catch (error) {
    return error as { status: number; stdout: string; stderr: string };
  }
}

/** Starts a jail that has the layer until its input ends. */
async function hold(world: World, toml = world.toml) {
  const running = startJail({
    ...world,
    toml,
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

test("what one jail writes the next one sees, and the root stays as it is", async (context) => {
  const world = makeWorld(context);
  const before = snapshot(world.root);
  const { toml, env } = world;
  await shout({ toml, env, command: sh("echo kept >/data/new; rm /data/gone; echo more >>/data/changed") });
  const seen = await shout({
    toml,
    env,
    command: sh("cat /data/new /data/changed; ls /data/gone 2>&1; true"),
  });
  assert.match(seen, /^kept\nchanged\nmore\n.*No such file/);
  assert.equal(snapshot(world.root), before);
  const other = toml.replace('"work"', '"other"');
  assert.is(await shout({ toml: other, env, command: sh("ls /data/gone") }), "/data/gone\n");
});

test("over the host's tree a layer is kept as well", async (context) => {
  const { env } = makeWorld(context);
  const toml = `${hostTree}writable = "persistent"\nname = "host"\n`;
  const name = `tsjail-test-${process.pid}`;
  await shout({ toml, env, command: sh(`echo kept >/opt/${name}`) });
  assert.is(await shout({ toml, env, command: sh(`cat /opt/${name}`) }), "kept\n");
  assert.not.ok(existsSync(`/opt/${name}`));
});

test("one jail writes at a time: the second is told who has the layer", async (context) => {
  const world = makeWorld(context);
  const first = await hold(world);
  const second = await jail({ ...world, command: ["true"] });
  assert.is(second.status, 125);
  assert.match(second.stderr, new RegExp(`The jail of process ${first.pid} is writing to this layer`));
  assert.match(second.stderr, /asked for by root\.name in /);
  await first.end();
  assert.is((await jail({ ...world, command: ["true"] })).status, 0);
});

test('with busy = "ephemeral" the second sees the layer, and what it writes is thrown away', async (context) => {
  const world = makeWorld(context);
  const { env } = world;
  const link = `[[mount]]\ntype = "symlink"\ntarget = "/data/put"\nsource = "same"\n`;
  const toml = `${world.toml}busy = "ephemeral"\n${link}`;
  await shout({ toml, env, command: sh("echo kept >/data/new; rm /data/gone") });
  const first = await hold(world, toml);
  const script = "cat /data/new; echo mine >/data/mine; rm /data/new; ls /data";
  assert.is(
    await shout({ toml, env, command: sh(script) }),
    "kept\nchanged\nlink\nmine\nmode\nold\nput\nsame\n",
  );
  await first.end();
  assert.is(
    await shout({ toml, env, command: sh("ls /data") }),
    "changed\nlink\nmode\nnew\nold\nput\nsame\n",
  );
});

test("a jail that is killed leaves a layer of use, and no lock", async (context) => {
  const world = makeWorld(context);
  const { toml, env } = world;
  await shout({ toml, env, command: sh("echo kept >/data/new") });
  const killed = await hold(world);
  await killed.kill();
  assert.is(readFileSync(join(world.layers, "work/lock"), "utf8"), `${killed.pid}\n`);
  await until(() => !run(world, "layer", "ls").stdout.includes("in use"), "the layer to be let go of");
  assert.is(await shout({ toml, env, command: sh("cat /data/new") }), "kept\n");
});

test("init holds the lock too: it does not end before the jail does", async (context) => {
  const world = makeWorld(context);
  const running = await hold(world);
  const lock = join(world.layers, "work/lock");
  const holders = execFileSync(
    "sh",
    ["-c", 'ls -l /proc/[0-9]*/fd 2>/dev/null | grep -c -- "$1"; true', "sh", lock],
    {
      encoding: "utf8",
    },
  );
  assert.ok(Number(holders) >= 1, holders);
  assert.is((await jail({ ...world, command: ["true"] })).status, 125);
  await running.end();
});

test("a layer is of use over what it was made over alone", async (context) => {
  const world = makeWorld(context);
  const { env } = world;
  await shout({ ...world, command: ["true"] });
  const other = await jail({
    toml: `${hostTree}writable = "persistent"\nname = "work"\n`,
    env,
    command: ["true"],
  });
  assert.is(other.status, 125);
  assert.match(other.stderr, /lies over something else/);
  assert.is((await jail({ ...world, command: ["true"] })).status, 0);
});

test("diff tells what was added, changed and removed, and nothing of mount points and mere touches", async (context) => {
  const world = makeWorld(context);
  const script = `cd /data; echo new >added; echo x >changed; rm gone; touch same; chmod 700 mode; mkdir -p a/b; touch a/b/c
    rm -r old; mkdir old; touch old/fresh; ln -sf same link`;
  await shout({ ...world, command: sh(script) });
  const { stdout } = run(world, "diff", "work");
  assert.equal(stdout.trim().split("\n"), [
    "+ /data/a",
    "+ /data/a/b",
    "+ /data/a/b/c",
    "+ /data/added",
    "~ /data/changed",
    "- /data/gone",
    "~ /data/mode",
    "+ /data/old/fresh",
    "- /data/old/deep",
  ]);
  const json = JSON.parse(run(world, "diff", "--json", "work").stdout);
  assert.equal(json[4], { kind: "changed", path: "/data/changed" });
});

test("a layer in which nothing was written has no difference", async (context) => {
  const world = makeWorld(context);
  await shout({ ...world, command: ["true"] });
  assert.is(run(world, "diff", "work").stdout, "");
});

test("ls names the layers, and who has them; rm takes one away, whatever modes are in it", async (context) => {
  const world = makeWorld(context);
  const script = `mkdir -p /data/closed/in; touch /data/closed/in/file; chmod 000 /data/closed/in /data/closed
    cd /data; i=0; while [ $i -lt 30 ]; do d=$(printf %0200d 0); mkdir $d; cd $d; i=$((i+1)); done`;
  await shout({ ...world, command: sh(script) });
  const running = await hold(world);
  assert.match(
    run(world, "layer", "ls").stdout,
    new RegExp(`^work  .* over ${world.root}  in use by process ${running.pid}\n$`),
  );
  const refused = run(world, "layer", "rm", "work");
  assert.is(refused.status, 125);
  assert.match(refused.stderr, new RegExp(`in use by the jail of process ${running.pid}`));
  await running.end();
  assert.is(JSON.parse(run(world, "layer", "ls", "--json").stdout)[0].pid, null);
  const removed = run(world, "layer", "rm", "work");
  assert.equal([removed.status, removed.stdout], [0, ""]);
  assert.equal(readdirSync(world.layers), []);
  assert.is(await shout({ ...world, command: sh("ls /data/gone") }), "/data/gone\n");
});

test.needs("command:strace")(
  "who has waited while a layer was removed and made anew does not write to it beside another",
  { timeLimit: 60 },
  async (context) => {
    const world = makeWorld(context);
    const profile = join(world.home, "box.toml");
    writeFileSync(profile, world.toml);
    const start = (...through: readonly string[]) => {
      const [program = "", ...words] = [
        ...through,
        tsjail,
        "-p",
        profile,
        "sh",
        "-c",
        "echo x > /data/by-it",
      ];
      const env = Object.entries({ ...process.env, ...world.env }).filter(([, value]) => value !== undefined);
      return watch(spawn(program, words, { env: Object.fromEntries(env) as NodeJS.ProcessEnv }));
    };
    assert.is((await start().ended).status, 0);
    // It makes the lock, and takes its time to take it.
    unlinkSync(join(world.layers, "work/lock"));
    const delay = ["-e", "trace=flock", "-e", "inject=flock:delay_enter=4000000:when=1"];
    const late = start("strace", "-qq", "-o", join(world.home, "log"), ...delay);
    await until(() => existsSync(join(world.layers, "work/lock")), "the lock");
    assert.is(run(world, "layer", "rm", "work").status, 0);
    const other = await hold(world);
    const { status, stderr } = await late.ended;
    assert.is(status, 125, stderr);
    assert.match(stderr, /It was removed just now/);
    assert.not.ok(existsSync(join(world.layers, "work/upper/data/by-it")));
    await other.end();
    assert.is((await start().ended).status, 0);
    assert.ok(existsSync(join(world.layers, "work/upper/data/by-it")));
  },
);

test("a layer in which no jail was yet is locked, too, while it is removed or read", async (context) => {
  const world = makeWorld(context);
  mkdirSync(join(world.layers, "work/upper"), { recursive: true });
  assert.is(run(world, "layer", "export", "work", join(world.home, "archive")).status, 0);
  assert.ok(existsSync(join(world.layers, "work/lock")));
  assert.is(run(world, "layer", "rm", "work").status, 0);
  assert.equal(readdirSync(world.layers), []);
});

test("a layer that isn't there is named, with the nearest that is", async (context) => {
  const world = makeWorld(context);
  await shout({ ...world, command: ["true"] });
  for (const words of [
    ["layer", "rm", "wrok"],
    ["diff", "wrok"],
  ]) {
    const { status, stderr } = run(world, ...words);
    assert.is(status, 125);
    assert.match(stderr, /There is no layer wrok; did you mean "work"\?/);
  }
});

test("what a jail has left in a layer sends the next start nowhere", async (context) => {
  const world = makeWorld(context);
  const { env } = world;
  const outside = join(world.home, "outside");
  mkdirSync(outside);
  const before = snapshot(outside);
  const put = `[[mount]]\ntype = "file"\ntarget = "/data/put"\ncontent = "put"\n`;
  const toml = world.toml + put;
  assert.is(await shout({ toml, env, command: sh("cat /data/put") }), "put");
  const ways = [outside, `../../../../../../../../..${outside}`, `/proc/self/root${outside}`, "/proc/1/cwd"];
  for (const way of ways) {
    await jail({ toml: world.toml, env, command: sh('rm -rf /data; ln -s "$1" /data', way) });
    const { status, stderr } = await jail({ toml, env, command: sh("echo x >/data/made; true") });
    assert.ok(status === 0 || status === 125, stderr);
    assert.equal(snapshot(outside), before, way);
  }
});

test("no link that a jail has left in a layer is followed out of it", async (context) => {
  const world = makeWorld(context);
  const secret = join(world.home, "secret");
  mkdirSync(secret);
  writeFileSync(join(secret, "key"), "key\n");
  const [profile, plan] = [join(world.home, "host.toml"), join(world.home, "host.plan")];
  writeFileSync(profile, `${hostTree}writable = "persistent"\nname = "work"\n`);
  const start = (...before: string[]) =>
    run(world, ...before, "sh", "-c", "cat /srv/key 2>/dev/null; echo in >/srv/new && cat /srv/new");
  // What lies there is one's own over the host's tree, by a plan that is kept, and by one that is shipped.
  assert.is(start("-p", profile).stdout, "in\n");
  assert.is(run(world, "compile", profile, "-o", plan).status, 0);
  assert.is(start("run", plan).stdout, "in\n");
  assert.is(start("-p", profile).stdout, "in\n");
  // The same name over another root, in which that directory is missing.
  assert.is(run(world, "layer", "rm", "work").status, 0);
  await shout({ ...world, command: sh('ln -s "$1" /srv', secret) });
  assert.is(readlinkSync(join(world.layers, "work/upper/srv")), secret);
  const kept = start("-p", profile);
  assert.is(kept.status, 125);
  assert.match(kept.stderr, /lies over something else/);
  const shipped = start("run", plan);
  assert.is(shipped.status, 125);
  assert.match(shipped.stderr, /overlay \/srv .*openat2: errno 20 \(ENOTDIR\)/);
  assert.equal(readdirSync(secret), ["key"]);
});

test("a layer that does not say what it lies over is not used", async (context) => {
  const world = makeWorld(context);
  await shout({ ...world, command: ["true"] });
  writeFileSync(join(world.layers, "work/layer.json"), "{");
  const outcome = await jail({ ...world, command: ["true"] });
  assert.is(outcome.status, 125);
  assert.match(outcome.stderr, /layers\/work doesn't say what it lies over.*layer\.json is damaged/s);
  assert.is(run(world, "layer", "rm", "work").status, 0);
  await shout({ ...world, command: ["true"] });
});

test("export writes a layer as images have it, the same bytes each time", async (context) => {
  const world = makeWorld(context);
  const long = "n".repeat(150);
  const script = `cd /data; rm gone; rm -r old; mkdir old; echo new >old/fresh; ln old/fresh second; ln -s "$1" "$1"
    mkdir -p "$1-d/$1"; head -c 700 /dev/zero >"$1-d/$1/zeros"; chmod 750 "$1-d"; mkfifo pipe`;
  await shout({ ...world, command: sh(script, long) });
  const [one, two] = [join(world.home, "one.tar"), join(world.home, "two.tar")];
  assert.is(run(world, "layer", "export", "work", one).status, 0);
  assert.is(run(world, "layer", "export", "work", two).status, 0);
  assert.ok(readFileSync(one).equals(readFileSync(two)));
  const names = execFileSync("tar", ["-tf", one], { encoding: "utf8" }).trim().split("\n");
  const wanted = [
    "data/.wh.gone",
    "data/old/.wh..wh..opq",
    "data/old/fresh",
    `data/${long}-d/${long}/zeros`,
    "data/pipe",
  ];
  for (const name of wanted) assert.ok(names.includes(name), name);
  assert.not.ok(names.includes("etc/hosts"));
  const out = join(world.home, "out");
  mkdirSync(out);
  execFileSync("tar", ["-xf", one, "-C", out, "--no-same-owner"]);
  assert.is(readFileSync(join(out, "data/second"), "utf8"), "new\n");
  assert.is(lstatSync(join(out, "data/second")).nlink, 2);
  assert.is(readlinkSync(join(out, "data", long)), long);
  assert.is(lstatSync(join(out, `data/${long}-d`)).mode & 0o777, 0o750);
  assert.is(lstatSync(join(out, `data/${long}-d/${long}/zeros`)).size, 700);
  const again = run(world, "layer", "export", "work", one);
  assert.is(again.status, 125);
  assert.match(again.stderr, /one\.tar exists already/);
});

test("a path in a layer that the kernel takes in no call is named when it is exported", async (context) => {
  const world = makeWorld(context);
  const script =
    'cd /data; for i in 1 2 3 4 5 6 7 8 9 10; do mkdir -p "$1/$1" && cd -P "$1/$1" || exit; done';
  // It has 5 + 10 × 2 × 204 bytes inside, and with what leads to the layer outside more than 4095.
  await shout({ ...world, command: sh(script, "d".repeat(203)) });
  const file = join(world.home, "archive.tar");
  const outcome = run(world, "layer", "export", "work", file);
  assert.is(outcome.status, 125);
  assert.match(outcome.stderr, /A path is too long to be read: \S*layers\/work\/upper\/data\/d+/);
  assert.match(outcome.stderr, /ENAMETOOLONG/);
  assert.not.ok(existsSync(file));
  await shout({ ...world, command: sh('rm -r "/data/$1"', "d".repeat(203)) });
  assert.is(run(world, "layer", "export", "work", file).status, 0, "the twin");
});
