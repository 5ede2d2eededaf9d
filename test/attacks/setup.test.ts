// time-limit: 300s
// Attacks on a jail while it is set up: a hostile directory as its root, with links where mount points belong, and
// files that are not what they are called. In: directories of our own. Out: nothing outside of the root may have changed,
// and what is mounted is where it belongs. Links that are exchanged meanwhile are in races.test.ts.
import { spawn } from "node:child_process";
import { mkdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import * as assert from "../support/assert.ts";
import { type Jail, jail, sh, snapshot, tsjail } from "../support/jail.ts";
import { watch } from "../support/process.ts";
import type { TestContext } from "../support/suite.ts";
import { attacks } from "./attack.ts";
import type { Layer } from "./layers.ts";
import { noteResult } from "./results.ts";
import { leaveMarks, makeRoot as make, replace } from "./roots.ts";

const title = "set-up";
const { test: suite, world } = attacks(title);
const test = suite.needs("userns", "command:cc");

const makeRoot = (context: TestContext, writable: "yes" | "no" | "ephemeral") =>
  make(world().directory, context, writable);

function note(name: string, layers: readonly Layer[], cve?: string): void {
  const words = () => [];
  noteResult(title, { name, layers, words, ...(cve === undefined ? {} : { cve }) }, "own", "held");
}

/** Starts it whatever becomes of it: refused or not, nothing may be done outside. */
async function start(request: Jail): Promise<{ status: number | null; stdout: string; stderr: string }> {
  return await jail({ env: world().env, ...request });
}

/** What a sandbox does that makes its mount points by path. */
async function setUpByPath(root: string): Promise<void> {
  const script = `mkdir -p "$1/dev/pts" "$1/etc" "$1/proc" "$1/tmp/x" "$1/var/lib/tool/x" 2>/dev/null
    rm -f "$1/dev/ptmx"; ln -s pts/ptmx "$1/dev/ptmx"; ln -s /proc/self/fd "$1/dev/fd"
    for name in proc/file sys/file dev/null dev/console etc/hostname usr/new bin/new lib/new
    do echo changed >"$1/$name"; done 2>/dev/null; :`;
  await watch(spawn("sh", ["-c", script, "sh", root])).ended;
}

/** What a runtime does that sets things by the paths of procfs. */
async function setByPath(proc: string): Promise<void> {
  const script = 'echo 0 >"$1/sys/user/max_user_namespaces"; echo 500 >"$1/self/oom_score_adj"';
  await watch(spawn("sh", ["-c", script, "sh", proc])).ended;
}

/** In a sandbox made by hand, with mounts of its own. */
async function byHand(script: string, ...words: readonly string[]): Promise<string> {
  const child = spawn("unshare", ["-Urmpf", "--mount-proc", "sh", "-ec", script, "sh", ...words]);
  return (await watch(child).ended).stdout;
}

const links: Record<string, (outside: string) => string> = {
  absolute: (outside) => outside,
  "relative and upwards": () => "../outside",
  "upwards beyond the root": (outside) => `../../../../../../../../../..${outside}`,
  "through /proc": (outside) => `/proc/self/root${outside}`,
  "through init's root": (outside) => `/proc/1/root${outside}`,
  "through the old root": (outside) => `/oldroot${outside}`,
};

const linked = ["dev", "proc", "sys", "etc", "tmp", "usr", "var", "var/lib", "var/lib/tool"];

test("such a root without a link is one that starts", async (context) => {
  const { outside, toml } = makeRoot(context, "yes");
  const before = snapshot(outside);
  const { status, stdout, stderr } = await start({
    toml,
    command: sh("ls -d /dev/ptmx /proc/self /sys/kernel"),
  });
  assert.is(status, 0, stderr);
  assert.match(stdout, "/dev/ptmx");
  assert.equal(snapshot(outside), before);
});

for (const name of linked) {
  const attack = `a symbolic link at /${name} of a root directory`;
  test(`${attack}: a set-up by path follows it`, async (context) => {
    const { root, outside } = makeRoot(context, "yes");
    replace(root, name, outside);
    const before = snapshot(outside);
    await setUpByPath(root);
    assert.not.equal(snapshot(outside), before);
  });
  test(`${attack}: nothing outside is touched`, { timeLimit: 60 }, async (context) => {
    for (const writable of ["no", "yes", "ephemeral"] as const) {
      for (const [kind, target] of Object.entries(links)) {
        const { root, outside, toml } = makeRoot(context, writable);
        replace(root, name, target(outside));
        const before = snapshot(outside);
        const { status, stderr } = await start({ toml, command: sh(leaveMarks) });
        assert.ok(
          status === 0 || status === 125 || status === 127,
          `${kind} (${writable}): ${status} ${stderr}`,
        );
        assert.equal(snapshot(outside), before, `${kind} (${writable})`);
      }
    }
    note(
      attack,
      ["mounts by descriptor"],
      name === "dev" ? "CVE-2026-87766, CVE-2026-41579" : "CVE-2026-87766",
    );
  });
}

test("a fake procfs gets no settings, and those of the kernel are made all the same", async (context) => {
  const { outside, toml } = makeRoot(context, "no");
  for (const name of ["sys/user", "self/attr", "self", "1"])
    mkdirSync(join(outside, name), { recursive: true });
  writeFileSync(join(outside, "sys/user/max_user_namespaces"), "99\n");
  for (const name of ["attr/exec", "timens_offsets", "oom_score_adj", "uid_map"]) {
    writeFileSync(join(outside, "self", name), "fake\n");
  }
  const before = snapshot(outside);
  const fake = toml.replace('type = "proc"', `type = "bind"\nsource = "${outside}"\ntarget = "/proc"`);
  const adjusted = "[process]\noom_score_adj = 500\n";
  const options = ["--bind", world().program];
  const command = [world().program, "new_user_namespace"];
  const inFake = await start({ toml: fake + adjusted, options, command });
  assert.is(inFake.status, 0, inFake.stderr);
  assert.match(inFake.stdout, /^held: /);
  assert.equal(snapshot(outside), before);
  // The twins: by path the fake one is written to, and where nothing is to be set a namespace is made.
  await setByPath(outside);
  assert.not.equal(snapshot(outside), before);
  const nested = await start({ toml: `${fake}[namespaces]\nnested = true\n`, options, command });
  assert.match(nested.stdout, /^escaped: /, nested.stderr);
  note("redirect what is written to procfs", ["checked descriptors"], "CVE-2025-52881");
});

test("masks come from the jail's own files, whatever /dev/null of the root is", async (context) => {
  const { root, outside, toml } = makeRoot(context, "yes");
  symlinkSync(join(outside, "file"), join(root, "dev/null"));
  symlinkSync("/proc/sys/kernel/core_pattern", join(root, "dev/zero"));
  const before = snapshot(outside);
  const noDev = toml.replace('[[mount]]\ntype = "dev"\n', "");
  const options = ["--bind", world().program];
  const command = [world().program, "read_masked", "/proc/interrupts"];
  const { stdout, stderr } = await start({ toml: noDev, options, command });
  assert.match(stdout, /^held: /, stderr);
  assert.equal(snapshot(outside), before);
  // The twin: a mask made of what /dev/null of the root is.
  const mask = 'mount --bind "$1/dev/null" /proc/interrupts; exec "$2" read_masked /proc/interrupts';
  assert.match(await byHand(mask, root, world().program), /^escaped: /);
  note("put a link in the place of what masks are made of", ["checked descriptors"], "CVE-2025-31133");
});

test("the console is a terminal of the jail's own, whatever /dev/console of the root is", async (context) => {
  const { root, outside, toml } = makeRoot(context, "yes");
  for (const name of ["console", "ptmx", "pts"]) {
    rmSync(join(root, "dev", name), { recursive: true, force: true });
    symlinkSync(join(outside, name === "pts" ? "pts" : "file"), join(root, "dev", name));
  }
  const before = snapshot(outside);
  const command = sh("test -c /dev/console; echo $?; tty; echo typed >/dev/console");
  const { status, stdout, stderr } = await start({ toml, options: ["--tty"], command });
  assert.is(status, 0, stderr);
  assert.match(stdout, /^0\r?\n\/dev\/(pts\/\d+|console)\r?\ntyped/);
  assert.equal(snapshot(outside), before);
  const noDev = await start({
    toml: toml.replace('[[mount]]\ntype = "dev"\n', ""),
    options: ["--tty"],
    command,
  });
  assert.is(noDev.status, 125, noDev.stdout);
  assert.equal(snapshot(outside), before);
  // The twin: a console mounted where the root's leads to.
  const console = 'mount --bind /dev/null "$1/dev/console"; test ! -c "$2/file" || echo escaped: it is there';
  assert.match(await byHand(console, root, outside), /^escaped: /);
  note("put a link in the place of the console or the pty", ["mounts by descriptor"], "CVE-2025-52565");
});

test("a working directory among the descriptors is refused or stays inside", { timeLimit: 60 }, async () => {
  const { directory, program, shown, env } = world();
  const where = { profile: "base", options: ["--bind", program], env };
  for (let fd = 3; fd < 10; fd++) {
    for (const path of [`/proc/self/fd/${fd}`, `/proc/1/fd/${fd}`, `/proc/self/fd/${fd}/../`]) {
      const words = [tsjail, "-p", "base", "--bind", program, "--workdir", path, "--"];
      const run = [...words, program, "outside_directory", "a secret"];
      const open = `exec 3<"$0" 4<"$0" 8<"$0" 9<"$0"; exec "$@"`;
      const child = spawn("sh", ["-c", open, directory, ...run], {
        cwd: directory,
        env: { ...process.env, ...env },
      });
      const { stdout, status } = await watch(child).ended;
      assert.ok(status === 125 || /^held: /.test(stdout), `${path}: ${status} ${stdout}`);
    }
  }
  const twin = spawn("sh", [
    "-c",
    'exec 7<"$0"; cd /proc/self/fd/7; exec "$@"',
    directory,
    program,
    "outside_directory",
    "a secret",
  ]);
  assert.match((await watch(twin).ended).stdout, /^escaped: /);
  assert.is(
    (await jail({ ...where, options: ["--bind", program, "--workdir", shown], command: ["true"] })).status,
    125,
  );
  note("make a descriptor the working directory", ["checked descriptors"], "CVE-2024-21626");
});
