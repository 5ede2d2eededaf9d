// What the command starts with: limits, umask, nice, oom_score_adj; the profile's, and where it says nothing the
// caller's own. In: bin/tsjail, behind which Node has changed some of it for itself.
import { spawn } from "node:child_process";
import * as assert from "../support/assert.ts";
import { buildCommand, hostTree, shout, tsjail } from "../support/jail.ts";
import { watch } from "../support/process.ts";
import { suite } from "../support/suite.ts";

const test = suite("limits").needs("userns");

const show = "cat /proc/self/limits";

/** What the command says in a jail that is started by this shell script; "$@" is the jail. */
async function shoutBehind(script: string, toml: string, command: string[]): Promise<string> {
  const { argv, remove } = buildCommand({ toml, command });
  try {
    const stdio = ["ignore", "pipe", "pipe"] as const;
    const child = spawn("bash", ["-c", script, "bash", tsjail, ...argv], { cwd: "/", stdio: [...stdio] });
    const outcome = await watch(child).ended;
    assert.equal([outcome.status, outcome.stderr], [0, ""]);
    return outcome.stdout;
  } finally {
    remove();
  }
}

/** The soft and the hard limit as /proc/PID/limits has them. */
function readLimit(limits: string, name: string): [string, string] {
  const match = new RegExp(`^Max ${name}\\s+(\\S+)\\s+(\\S+)`, "m").exec(limits);
  if (match === null) throw new Error(`no limit ${name} in ${limits}`);
  return [match[1] as string, match[2] as string];
}

test("every limit of a profile is the command's", async () => {
  const toml = `${hostTree}
[rlimits]
as = "8GiB"
core = 0
cpu = { soft = 100, hard = 200 }
data = "4G"
fsize = "1MiB"
locks = 100
memlock = "64K"
msgqueue = 1000
nice = 0
nofile = { soft = 100, hard = 200 }
nproc = 5000
rss = "1G"
rtprio = 0
rttime = 1000000
sigpending = 1000
stack = "4M"
`;
  const limits = await shout({ toml, command: ["cat", "/proc/self/limits"] });
  const expected = {
    "address space": [8 * 2 ** 30, 8 * 2 ** 30],
    "core file size": [0, 0],
    "cpu time": [100, 200],
    "data size": [4 * 2 ** 30, 4 * 2 ** 30],
    "file size": [2 ** 20, 2 ** 20],
    "file locks": [100, 100],
    "locked memory": [65536, 65536],
    "msgqueue size": [1000, 1000],
    "nice priority": [0, 0],
    "open files": [100, 200],
    processes: [5000, 5000],
    "resident set": [2 ** 30, 2 ** 30],
    "realtime priority": [0, 0],
    "realtime timeout": [1000000, 1000000],
    "pending signals": [1000, 1000],
    "stack size": [4 * 2 ** 20, 4 * 2 ** 20],
  };
  const actual = Object.keys(expected).map((name) => [name, readLimit(limits, name).map(Number)]);
  assert.equal(Object.fromEntries(actual), expected);
});

test("a limit takes effect: a file that grows too big, one descriptor too many", async () => {
  const toml = `${hostTree}\n[files]\ntmpfs = ["/tmp"]\n[rlimits]\nfsize = "10KiB"\nnofile = 8\ncore = 0\n`;
  const script =
    "head -c 20000 /dev/zero >/tmp/big 2>/dev/null; echo $?; stat -c %s /tmp/big; exec 6</ 7</; { true 8</; } 2>/dev/null && echo open || echo refused";
  assert.equal((await shout({ toml, command: ["bash", "-c", script] })).split("\n").slice(0, 3), [
    "153",
    "10240",
    "refused",
  ]);
  const twin = `${hostTree}\n[files]\ntmpfs = ["/tmp"]\n`;
  assert.equal((await shout({ toml: twin, command: ["bash", "-c", script] })).split("\n").slice(0, 3), [
    "0",
    "20000",
    "open",
  ]);
});

test("Node raises the soft limit of open files; the command has the caller's", async () => {
  for (const soft of [256, 700]) {
    const limits = await shoutBehind(`ulimit -Sn ${soft}; exec "$@"`, hostTree, ["sh", "-c", show]);
    const hard = readLimit(
      await shoutBehind("exec cat /proc/self/limits", hostTree, ["true"]),
      "open files",
    )[1];
    assert.equal(readLimit(limits, "open files"), [String(soft), hard]);
  }
});

test("a plan that was kept for a caller with one limit is as good for one with another", async () => {
  for (const soft of [300, 400, 500]) {
    const script = `ulimit -Sn ${soft}; exec "$0" -p base -- cat /proc/self/limits`;
    const child = spawn("bash", ["-c", script, tsjail], { cwd: "/", stdio: ["ignore", "pipe", "pipe"] });
    const outcome = await watch(child).ended;
    assert.equal([outcome.status, outcome.stderr], [0, ""]);
    assert.is(readLimit(outcome.stdout, "open files")[0], String(soft));
  }
});

test("limits that a profile does not name are the caller's", async () => {
  const script = 'ulimit -Sc 0 && ulimit -Ss 4096 && ulimit -Sf 100000 && ulimit -Su 3000; exec "$@"';
  const inside = await shoutBehind(script, hostTree, ["sh", "-c", show]);
  const outside = await shoutBehind(
    `${script.replace('exec "$@"', "exec cat /proc/self/limits")}`,
    hostTree,
    ["true"],
  );
  assert.equal(inside.split("\n").slice(1), outside.split("\n").slice(1));
});

test("umask, nice and oom_score_adj are the caller's, unless the profile sets them", async () => {
  const command = ["sh", "-c", "umask; nice; cat /proc/self/oom_score_adj"];
  const script = 'umask 0037; echo 200 >/proc/self/oom_score_adj; exec nice -n 3 "$@"';
  assert.equal(await shoutBehind(script, hostTree, command), "0037\n3\n200\n");
  const toml = `${hostTree}\n[process]\numask = "0027"\nnice = 7\noom_score_adj = 500\n`;
  assert.equal(await shoutBehind(script, toml, command), "0027\n7\n500\n");
});

test("the umask of the start is not that of what it makes: modes in the profile are exact", async () => {
  const toml = `${hostTree}
[[mount]]
type = "tmpfs"
target = "/tmp"
mode = "1777"
[[mount]]
type = "file"
target = "/tmp/made/in/it"
content = "x"
mode = "0644"
`;
  const outside = 'umask 0777; exec "$@"';
  const command = ["sh", "-c", "umask; stat -c '%a %n' /tmp /tmp/made /tmp/made/in /tmp/made/in/it"];
  const expected = "0777\n1777 /tmp\n755 /tmp/made\n755 /tmp/made/in\n644 /tmp/made/in/it\n";
  assert.is(await shoutBehind(outside, toml, command), expected);
});

test("a priority that only root may ask for is an error of the start", async () => {
  if (process.getuid?.() === 0) return assert.ok(true, "root may");
  const { argv, remove } = buildCommand({ toml: `${hostTree}\n[process]\nnice = -5\n`, command: ["true"] });
  const outcome = await watch(spawn(tsjail, argv, { cwd: "/", stdio: ["ignore", "pipe", "pipe"] })).ended;
  remove();
  assert.is(outcome.status, 125);
  assert.match(outcome.stderr, /process\.nice/);
});
