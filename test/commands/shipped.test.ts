// A plan that `tsjail compile` has written, carried out without Node. In: a profile. Out: the same jail as from the
// profile; and a message for everything that is not as it was where the plan was compiled. Files that are no such plan:
// test/native/facts-shipped.test.ts.
import { existsSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Operation, Plan } from "../../src/plan/operations.ts";
import { decodePlan, encodePlan } from "../../src/plan/wire.ts";
import * as assert from "../support/assert.ts";
import { type Ending, hostTree, jail, makeDirectory, mount, removeDirectory, sh } from "../support/jail.ts";
import { suite, type TestContext } from "../support/suite.ts";

const test = suite("shipped plans");
/** bin/tsjail itself needs no PATH; Node would not be found. */
const nowhere = "/nonexistent";

interface World {
  readonly directory: string;
  readonly env: Record<string, string | undefined>;
  /** Writes a plan and gives its path. */
  compile(toml: string, ...options: string[]): Promise<string>;
  run(...words: string[]): Promise<Ending>;
}

function makeWorld({ cleanup }: TestContext): World {
  const directory = makeDirectory("shipped");
  cleanup(() => removeDirectory(directory));
  const [profile, plan] = [join(directory, "p.toml"), join(directory, "p.plan")];
  const variables = {
    LANG: "C.UTF-8",
    XDG_CACHE_HOME: undefined,
    XDG_DATA_HOME: undefined,
    XDG_CONFIG_HOME: undefined,
  };
  const env: World["env"] = { HOME: directory, PATH: process.env.PATH, ...variables };
  const start = (options: string[], more = {}) => jail({ cwd: directory, env: { ...env, ...more }, options });
  return {
    directory,
    env,
    async compile(toml, ...options) {
      writeFileSync(profile, toml);
      const { status, stderr } = await start(["compile", ...options, profile, "-o", plan]);
      assert.is(status, 0, stderr);
      return plan;
    },
    run: (...words) => start(["run", ...words], { PATH: nowhere }),
  };
}

/** Changes a plan file, so that its checksum still holds. */
function change(path: string, work: (plan: Plan) => readonly Operation[]): void {
  writeFileSync(path, encodePlan(work(decodePlan(readFileSync(path)))));
}

const show = `id; echo; tr '\\0' '\\n' </proc/self/environ | sort; echo; pwd; ulimit -a; cat /proc/self/uid_map; uname -n
  grep -E '^(Cap|NoNewPrivs|Seccomp)' /proc/self/status; ls -A /dev /; echo; cat /proc/self/mountinfo`;
/** Numbers of mounts and devices are new in each. */
const withoutNumbers = (output: string) => output.replace(/^\d+ \d+ \d+:\d+ \//gm, "/");

test("a shipped plan makes the same jail as the profile, without Node", {
  timeLimit: 60,
}, async (context) => {
  const world = makeWorld(context);
  const profiles = [
    'extends = "base"\n[env]\npass = ["LANG", "A_*"]\n[rlimits]\nnofile = 99\n',
    'extends = "untrusted"\nworkdir = "/"\n',
    `${hostTree}${mount("tmpfs", { target: "/media" })}${mount("bind", { source: "~", readonly: false })}`,
  ];
  world.env.A_B = "passed on";
  for (const toml of profiles) {
    const plan = await world.compile(toml);
    // The path of PATH= is passed on by base: the same for both.
    const command = ["/bin/sh", "-c", `PATH=/usr/bin:/bin; export PATH; ${show}`];
    const shipped = await world.run(plan, ...command);
    const { directory: cwd, env } = world;
    const options = ["-p", join(cwd, "p.toml"), "--no-cache", "--env", `PATH=${nowhere}`];
    const fresh = await jail({ cwd, env, options, command });
    assert.equal([shipped.status, shipped.stderr], [0, ""]);
    assert.equal([fresh.status, fresh.stderr], [0, ""]);
    // It holds itself in its place, too.
    const own = new RegExp(`^.* ${plan} .*\n`, "m");
    assert.is(withoutNumbers(shipped.stdout.replace(own, "")), withoutNumbers(fresh.stdout), toml);
    assert.ok(shipped.stdout.split("\n").length > 40);
  }
});

test("runs the plan's own command, or another one, with or without --", async (context) => {
  const world = makeWorld(context);
  const plan = await world.compile(`command = ["/bin/echo", "its own"]\n${hostTree}`);
  assert.is((await world.run(plan)).stdout, "its own\n");
  assert.is((await world.run(plan, "--")).stdout, "its own\n");
  assert.is((await world.run(plan, "/bin/echo", "--", "-x")).stdout, "-- -x\n");
  assert.is((await world.run(plan, "--", "/bin/echo", "x")).stdout, "x\n");
  assert.is((await world.run("./p.plan", "/bin/sh", "-c", "exit 7")).status, 7);
});

const refusals: Record<string, { work: (fact: Operation) => Operation; line: RegExp }> = {
  "another user": {
    work: (fact) => (fact.op === "fact_caller" ? { ...fact, uid: 4242, gid: 4243 } : fact),
    line: /was compiled for another user: uid 4242, gid 4243;/,
  },
  "another group": {
    work: (fact) => (fact.op === "fact_caller" ? { ...fact, gid: 4243 } : fact),
    line: /was compiled for another user: uid \d+, gid 4243;/,
  },
  "other capabilities": {
    work: (fact) => (fact.op === "fact_caller" ? { ...fact, capabilities: 1n << 50n } : fact),
    line: /was compiled for a user with other capabilities;/,
  },
  "another processor": {
    work: (fact) => (fact.op === "fact_machine" ? { ...fact, machine: "riscv64" } : fact),
    line: /was compiled for another kind of machine: riscv64;/,
  },
  "another directory": {
    work: (fact) => (fact.op === "fact_directory" ? { ...fact, path: "/else/where" } : fact),
    line: /was compiled for another current directory: \/else\/where;/,
  },
  "a variable of another value": {
    work: (fact) =>
      fact.op === "fact_variable" && fact.name === "A_VARIABLE" ? { ...fact, value: "x" } : fact,
    line: /was compiled for another value of \$A_VARIABLE;/,
  },
  "a variable that was not set": {
    work: (fact) =>
      fact.op === "fact_variable" && fact.name === "A_VARIABLE"
        ? { ...fact, state: "unset", value: "" }
        : fact,
    line: /was compiled for another value of \$A_VARIABLE;/,
  },
  "another kind of thing at a place": {
    work: (fact) =>
      fact.op === "fact_kind" && fact.path === "/etc/passwd" ? { ...fact, kind: "absent" } : fact,
    line: /was compiled for a host with something else at \/etc\/passwd;/,
  },
  "a link that leads elsewhere": {
    work: (fact) => (fact.op === "fact_link" && fact.path.endsWith("/link") ? { ...fact, text: "x" } : fact),
    line: /was compiled for a host with something else at \/.*\/link;/,
  },
};

test("says what is not as it was where it was compiled, and starts nothing", {
  timeLimit: 60,
}, async (context) => {
  const world = makeWorld(context);
  world.env.A_VARIABLE = "a value";
  mkdirSync(join(world.directory, "data"));
  symlinkSync("data", join(world.directory, "link"));
  const plan = await world.compile(
    `${hostTree}[env.set]\nB = "$A_VARIABLE"\n${mount("bind", { source: "$PWD/link", target: "/data" })}[files]\nhide = ["/etc/passwd"]\n`,
  );
  const bytes = readFileSync(plan);
  const marker = join(world.directory, "data/ran");
  for (const [what, { work, line }] of Object.entries(refusals)) {
    writeFileSync(plan, bytes);
    change(plan, (all) => all.map(work));
    assert.is(readFileSync(plan).equals(bytes), false, `${what}: the plan has no such fact`);
    const { status, stdout, stderr } = await world.run("./p.plan", ...sh(`echo ran; : >${marker}`));
    assert.equal([status, stdout, stderr.split("\n").length], [125, "", 2], `${what}: ${stderr}`);
    assert.match(stderr, line, what);
    assert.match(stderr, /^tsjail: \.\/p\.plan .*; compile it again here: tsjail compile PROFILE -o FILE\n$/);
  }
  writeFileSync(plan, bytes);
  assert.is((await world.run("./p.plan", "/bin/echo", "twin")).stdout, "twin\n");
  assert.is(existsSync(marker), false);
});

test("says it for what has really changed: a variable, a directory, a link, a file that is gone", async (context) => {
  const world = makeWorld(context);
  mkdirSync(join(world.directory, "data"));
  symlinkSync("data", join(world.directory, "link"));
  world.env.A_VARIABLE = "a value";
  const plan = await world.compile(
    `${hostTree}[env.set]\nB = "$A_VARIABLE"\n${mount("bind", { source: "~/link", target: "/data" })}`,
  );
  const works = async () => (await world.run(plan, "/bin/true")).stderr;
  assert.is(await works(), "");
  world.env.A_VARIABLE = "another";
  assert.match(await works(), "another value of $A_VARIABLE");
  world.env.A_VARIABLE = undefined;
  assert.match(await works(), "another value of $A_VARIABLE");
  world.env.A_VARIABLE = "a value";
  rmSync(join(world.directory, "link"));
  assert.match(await works(), `something else at ${world.directory}/link`);
  symlinkSync("other", join(world.directory, "link"));
  assert.match(await works(), `something else at ${world.directory}/link`);
  rmSync(join(world.directory, "link"));
  symlinkSync("data", join(world.directory, "link"));
  assert.is(await works(), "");
});

test("runs where plans are kept meanwhile, and where none were ever kept", async (context) => {
  const world = makeWorld(context);
  const plan = await world.compile('extends = "base"\n');
  const works = async () => assert.is((await world.run(plan, "/bin/echo", "yes")).stdout, "yes\n");
  assert.is(existsSync(join(world.directory, ".cache")), false);
  await works();
  mkdirSync(join(world.directory, ".cache/tsjail/plans"), { recursive: true });
  await works();
});

test("is refused when it has nothing to run, or is given options", async (context) => {
  const world = makeWorld(context);
  await world.compile(hostTree);
  const ends = async (...words: string[]) => {
    const { status, stdout, stderr } = await world.run("./p.plan", ...words);
    assert.equal([status, stdout], [125, ""]);
    return stderr;
  };
  assert.is(await ends(), "tsjail: ./p.plan names no command: tsjail run FILE COMMAND\n");
  assert.is(await ends("--"), "tsjail: ./p.plan names no command: tsjail run FILE COMMAND\n");
  assert.is(
    await ends("--hostname", "x", "true"),
    "tsjail: ./p.plan takes no options, which were said when it was compiled: --hostname\n",
  );
  assert.is((await world.run("./p.plan", "/bin/echo", "--hostname")).stdout, "--hostname\n");
});

test("a start that fails says which part of the profile it was", async (context) => {
  const world = makeWorld(context);
  mkdirSync(join(world.directory, "data"));
  const plan = await world.compile(`${hostTree}${mount("bind", { source: "~/data", target: "/data" })}`);
  // The file system says so only when it comes to it: a directory that can't be passed looks the same as before.
  change(plan, (all) => all.filter((op) => op.op !== "fact_kind"));
  rmSync(join(world.directory, "data"), { recursive: true });
  const { status, stderr } = await world.run(plan, "/bin/true");
  assert.is(status, 125);
  assert.is(
    stderr,
    `tsjail: bind ${world.directory}/data -> /data (mount[2] in ${world.directory}/p.toml:13) failed: open_tree: errno 2 (ENOENT)\n`,
  );
});
