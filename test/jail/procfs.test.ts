// /proc and /sys: the jail's processes only, nothing that tells of the machine's other users, nothing that changes it.
// In: a process of the host's that a jail must not find.
import { spawn } from "node:child_process";
import { existsSync, readdirSync } from "node:fs";
import * as assert from "../support/assert.ts";
import { attempt, hostTree, jail, mount, sh, shout } from "../support/jail.ts";
import { suite, type TestContext } from "../support/suite.ts";

const test = suite("jail: procfs");
const hostPids = `${hostTree}[namespaces]\npid = "host"\n`;
const asRoot = `${hostTree}[user]\nuid = "root"\n[security]\ncapabilities = ["sys_admin", "kill"]\n`;

/** A process of the host's, as its pid. */
function startVictim({ cleanup }: TestContext): { pid: string; ended: Promise<string | null> } {
  const child = spawn("sleep", ["1234"], { stdio: "ignore" });
  cleanup(() => child.kill("SIGKILL"));
  const ended = new Promise<string | null>((done) => child.on("exit", (_, signal) => done(signal)));
  return { pid: String(child.pid), ended };
}

const listProcesses = "ls /proc | grep -c '^[0-9]*$'";

test("the host's processes are not seen, unless the pid namespace is the host's and Landlock is off", async (context) => {
  const { pid } = startVictim(context);
  const names = 'for p in /proc/[0-9]*; do read name <$p/comm; echo "$name"; done';
  assert.not.match(await shout({ toml: hostTree, command: sh(names) }), "sleep");
  assert.is(await shout({ toml: hostTree, command: sh('test -e "/proc/$1"; echo $?', pid) }), "1\n");
  assert.match(await shout({ toml: hostPids, command: sh(names) }), "sleep");
  assert.is(await shout({ toml: hostPids, command: sh('test -e "/proc/$1"; echo $?', pid) }), "0\n");
});

test("a jail has few processes: its init, its command and what that starts", async () => {
  assert.ok(Number(await shout({ toml: hostTree, command: sh(listProcesses) })) <= 5);
  assert.is(await shout({ toml: hostTree, command: sh("echo $$") }), "2\n");
});

test("the host's processes can't be signalled, unless the pid namespace is the host's", async (context) => {
  const { pid, ended } = startVictim(context);
  const script = `${attempt}try kill -0 "$1"; try kill -KILL "$1"`;
  assert.is(await shout({ toml: hostTree, command: sh(script, pid) }), "no\nno\n");
  assert.is(await shout({ toml: asRoot, command: sh(script, pid) }), "no\nno\n");
  const off = `${hostPids}[security]\nlandlock = "off"\n`;
  assert.is(await shout({ toml: off, command: sh(script, pid) }), "yes\nyes\n");
  assert.is(await ended, "SIGKILL");
});

test("a signal to all processes reaches the jail's own only", async (context) => {
  const { pid } = startVictim(context);
  const script = "sleep 1000 & kill -KILL -1; wait; echo survived";
  const { status, stdout } = await jail({ toml: hostTree, command: sh(script) });
  assert.ok(status === 137 || stdout === "survived\n", `${status}`);
  assert.ok(existsSync(`/proc/${pid}`));
});

test("init can't be looked into or killed by the command", async () => {
  const script = `${attempt}for name in environ maps mem root/etc cwd/etc fd/0 exe; do
      try head -c1 "/proc/1/$name"; done
    try readlink /proc/1/root; try readlink /proc/1/fd/0; kill -KILL 1; sleep 0.1
    try head -c1 /proc/self/environ; try readlink /proc/self/fd/0`;
  for (const toml of [hostTree, asRoot]) {
    assert.is(await shout({ toml, command: sh(script) }), `${"no\n".repeat(9)}yes\nyes\n`);
  }
});

test("nothing of the caller is to be read in init's command line", async () => {
  const env = { TSJAIL_TEST_SECRET: "password" };
  const script = 'tr "\\0" " " </proc/1/cmdline; grep -c password /proc/*/environ 2>/dev/null; true';
  const output = await shout({ toml: hostTree, env, command: sh(script, "words") });
  assert.match(output, /^tsjail/);
  assert.not.match(output, /words|environ:[1-9]/);
});

const masked = [
  "acpi",
  "interrupts",
  "kallsyms",
  "kcore",
  "keys",
  "latency_stats",
  "sched_debug",
  "scsi",
  "timer_list",
];

test("what tells of the machine is empty", async () => {
  const present = masked.filter((name) => existsSync(`/proc/${name}`));
  const script = `${attempt}for name; do
      path=/proc/$name; if [ -d "$path" ]; then ls -A "$path"; else head -c1 "$path"; fi; try touch "$path"; done`;
  for (const toml of [hostTree, asRoot]) {
    assert.is(await shout({ toml, command: sh(script, ...present) }), "no\n".repeat(present.length));
  }
  assert.match(await shout({ toml: hostTree, command: ["cat", "/proc/meminfo"] }), "MemTotal");
});

test.needs("root")("what only root may read is empty where root of the host is in the jail", async () => {
  const names = ["kmsg", "kpagecgroup", "kpagecount", "kpageflags", "slabinfo", "vmallocinfo"];
  const present = names.filter((name) => existsSync(`/proc/${name}`));
  const script = `for name; do grep -c " /proc/$name " /proc/self/mountinfo; done; true`;
  const expected = "1\n".repeat(present.length);
  assert.is(await shout({ toml: hostTree, command: sh(script, ...present) }), expected);
  // The twins: with a range of ids nobody there is root, and the files' modes are enough; and one that is not masked.
  const range = "[user]\nmap = [{ inside = 0, outside = 100000, count = 65536 }]\n";
  const read = `${attempt}for name; do try head -c1 "/proc/$name"; done`;
  const toml = hostTree + range;
  assert.is(await shout({ toml, command: sh(read, ...present) }), "no\n".repeat(present.length));
  assert.is(await shout({ toml: hostTree, command: sh(script, "version") }), "0\n");
});

test("what changes the machine is read-only, for root inside too", async () => {
  const names = ["sys/kernel/hostname", "sys/vm/swappiness", "sysrq-trigger", "irq/default_smp_affinity"];
  const present = names.filter((name) => existsSync(`/proc/${name}`));
  const script = `${attempt}for name; do try sh -c ': >>"/proc/$1"' sh "$name"; done`;
  assert.ok(present.length > 1);
  for (const toml of [hostTree, asRoot, hostPids]) {
    assert.is(await shout({ toml, command: sh(script, ...present) }), "no\n".repeat(present.length));
  }
});

test("where nesting is allowed, an ordinary user's jail may set what is its own", async () => {
  const script = `${attempt}try sh -c 'echo 7 >/proc/sys/user/max_net_namespaces'`;
  const run = (nested: boolean) => {
    const toml = `${hostTree}[security]\ncapabilities = ["sys_resource"]\n[namespaces]\nnested = ${nested}\n`;
    return shout({ toml, command: sh(script) });
  };
  assert.is(await run(false), "no\n");
  // Root of the host gets the masks all the same: nothing else would protect the machine from it.
  assert.is(await run(true), process.getuid?.() === 0 ? "no\n" : "yes\n");
});

test("without a mount of type proc there is none", async () => {
  const toml = `${hostTree.replace(/\[\[mount\]\]\ntype = "proc"\n/, "")}`;
  assert.is(
    await shout({ toml, command: sh(`${attempt}try test -e /proc/self; ls -A /proc 2>/dev/null; true`) }),
    "no\n",
  );
});

test("/proc can be elsewhere, masked all the same", async () => {
  const toml = hostTree + mount("proc", { target: "/other" });
  const script = `${attempt}try test -e /other/1/status; try test -s /other/keys; try touch /other/sys/kernel/hostname`;
  assert.is(await shout({ toml, command: sh(script) }), "yes\nno\nno\n");
});

test("/sys is absent unless asked for, and then read-only", async () => {
  const script = `${attempt}ls -A /sys 2>/dev/null | head -n1; try touch /sys/kernel/profiling; try mkdir /sys/new
    ls -A /sys/firmware 2>/dev/null; true`;
  assert.is(await shout({ toml: hostTree, command: sh(script) }), "no\nno\n");
  const [first, ...rest] = (await shout({ toml: hostTree + mount("sys", {}), command: sh(script) })).split(
    "\n",
  );
  assert.is(first, readdirSync("/sys").sort()[0]);
  assert.equal(rest, ["no", "no", ""]);
});

test("/sys shows the jail's network devices, and the host's where the network is the host's", async () => {
  const toml = hostTree + mount("sys", {});
  const command = ["ls", "/sys/class/net"];
  assert.is(await shout({ toml, command }), "lo\n");
  const theirs = await shout({ toml, options: ["--net", "host"], command });
  assert.equal(theirs.trim().split("\n"), readdirSync("/sys/class/net").sort());
});
