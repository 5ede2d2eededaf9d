// Descriptors: the command has 0, 1 and 2 and what was asked for, whatever the caller had open. In: the executor, and
// bin/tsjail with --fd.
import { spawn } from "node:child_process";
import { closeSync, openSync, readdirSync, readFileSync, readlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import * as assert from "../support/assert.ts";
import { runExecutor, scratch, startExecutor } from "../support/executor.ts";
import { tsjail } from "../support/jail.ts";
import { listProcesses, watch } from "../support/process.ts";
import { suite } from "../support/suite.ts";

const test = suite("descriptors").needs("userns", "command:cc");

/** Bash's own builtins, so that no program opens anything meanwhile; 255 is its script. */
const list = 'for fd in /proc/self/fd/*; do [ -e "$fd" ] && echo "${fd##*/}"; done; true';

/** What is open in a jail that bash starts with these redirections; "$@" is the jail up to the command. */
async function listBehind(redirections: string, options: readonly string[] = [], script = list) {
  const argv = [
    "-c",
    `exec "$@" ${redirections}`,
    "bash",
    tsjail,
    "-p",
    "base",
    ...options,
    "--",
    "bash",
    "-c",
    script,
  ];
  return watch(spawn("bash", argv, { cwd: "/", stdio: ["ignore", "pipe", "pipe"] })).ended;
}

/** Behind Node; then as Node leaves the plan for the next, and from that plan, without Node. */
const ways = [["--no-cache"], [], []];

const tenMore =
  "3</etc/passwd 4</ 5<>/dev/null 9</etc 20>/dev/null 33</proc 60</etc/group 77</usr 100</dev 250</bin";

test("none of ten more that the caller has open gets into the jail", async () => {
  for (const options of ways) {
    const outcome = await listBehind(tenMore, options);
    assert.equal([outcome.status, outcome.stderr], [0, ""]);
    assert.equal(outcome.stdout, "0\n1\n2\n");
  }
});

test("none of the executor's own does either, with an init and without", async () => {
  const files = ["/etc/passwd", "/", "/proc", "/usr"].map((path) => openSync(path, "r"));
  try {
    for (const flags of [["init"], []] as const) {
      const stdio = ["ignore", "pipe", "pipe", ...files] as const;
      const outcome = await runExecutor(["bash", "-c", list], { supervise: { flags }, stdio: [...stdio] });
      assert.is(outcome.stdout, "0\n1\n2\n", outcome.stderr);
    }
  } finally {
    for (const fd of files) closeSync(fd);
  }
});

test("one that is asked for is there under its number, and the others are not", async () => {
  const [group] = readFileSync("/etc/group", "utf8").split("\n");
  for (const more of ways) {
    const options = [...more, "--fd", "9", "--fd", "60"];
    const outcome = await listBehind(tenMore, options, `${list}; head -n 1 <&60`);
    assert.equal([outcome.status, outcome.stderr], [0, ""]);
    assert.equal(outcome.stdout, `0\n1\n2\n60\n9\n${group}\n`);
  }
});

test("one that was opened for writing is written through it, outside of what the jail can write", async () => {
  const path = join(scratch(), "written");
  writeFileSync(path, "");
  const script = `echo through >&7; echo by-name >> ${path}`;
  const outcome = await listBehind(`7>>${path}`, ["--fd", "7"], script);
  assert.is.not(outcome.status, 0);
  assert.is(readFileSync(path, "utf8"), "through\n");
});

test("asking for one that is closed is an error, and so is one that is no number", async () => {
  for (const [value, words] of [
    ["9", /--fd 9.*not open/s],
    ["x", /--fd/],
    ["-1", /--fd/],
  ] as const) {
    const outcome = await listBehind("", ["--fd", value]);
    assert.equal([outcome.status, outcome.stdout], [125, ""]);
    assert.match(outcome.stderr, words);
  }
});

test("where a plan was kept it is an error as well, also for the number that the plan itself would have", async () => {
  for (const fd of [9, 3]) {
    const options = ["--fd", String(fd)];
    assert.is((await listBehind(`${fd}</etc/group`, options)).stdout, `0\n1\n2\n${fd}\n`);
    const outcome = await listBehind(`${fd}<&-`, options);
    assert.equal([outcome.status, outcome.stdout], [125, ""]);
    assert.match(outcome.stderr, new RegExp(`--fd ${fd}.*not open`, "s"));
  }
});

test("a passed pipe ends when the command closes it: nobody of tsjail's holds it", async () => {
  const host = [{ op: "pass_fd", origin: "a test", fd: 3 }] as const;
  const child = startExecutor(["bash", "-c", "echo last >&3; exec 3>&-; exec sleep 20"], {
    host,
    stdio: ["ignore", "ignore", "ignore", "pipe"],
  });
  const heard: Buffer[] = [];
  const stream = child.stdio[3] as NodeJS.ReadableStream;
  stream.on("data", (bytes: Buffer) => heard.push(bytes));
  await new Promise((resolve) => stream.once("end", resolve));
  assert.is(child.exitCode, null);
  assert.is(Buffer.concat(heard).toString(), "last\n");
  child.kill("SIGTERM");
  assert.is((await watch(child).ended).status, 143);
});

test("the working directory is the jail's, not one of the host's that is kept by a descriptor", async () => {
  const outcome = await runExecutor([
    "bash",
    "-c",
    "readlink /proc/self/cwd; cd ..; ls -d tmp probe; ls /proc/self/cwd/.. | wc -l",
  ]);
  const [first, ...rest] = outcome.stdout.split("\n");
  assert.equal([first, rest.slice(0, 2)], ["/tmp", ["probe", "tmp"]]);
});

test("the monitor keeps no stdio and no plan once the command runs", async () => {
  const child = startExecutor(["sh", "-c", "echo ready; exec sleep 20"]);
  const running = watch(child);
  await running.waitFor("ready");
  const monitor = listProcesses().find(({ pid }) => pid === child.pid);
  const links = readdirSync(`/proc/${monitor?.pid}/fd`).map((fd) =>
    readlinkSync(`/proc/${monitor?.pid}/fd/${fd}`),
  );
  assert.equal(
    links.filter((link) => link.includes(".plan") || link === "/dev/null"),
    [],
  );
  child.kill("SIGTERM");
  assert.is((await running.ended).status, 143);
});
