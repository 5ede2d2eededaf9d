// Node becomes an executor that shows what it got: a script, since the kernel starts those in the same way.
import { spawnSync } from "node:child_process";
import { constants as fsConstants, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { constants, tmpdir } from "node:os";
import { join } from "node:path";
import { encodeWords } from "../../src/launch/start.ts";
import { planVersion } from "../../src/plan/operations.ts";
import { decodePlan } from "../../src/plan/wire.ts";
import * as assert from "../support/assert.ts";
import { suite } from "../support/suite.ts";

const test = suite("become");
const root = join(import.meta.dirname, "../..");
const { version } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
const directory = mkdtempSync(join(tmpdir(), "tsjail-become-"));
test.after(() => rmSync(directory, { recursive: true }));

const out = (name: string) => join(directory, name);
const executor = out("executor");
writeFileSync(out("jail.toml"), '[root]\ntype = "empty"\n[process]\ntty = "never"\n');
writeFileSync(
  executor,
  `#!/bin/sh
if [ "$1" = --version ]; then echo "tsjail-executor ${version} plan ${planVersion}"; exit; fi
for name in cmdline environ limits; do cat /proc/$$/$name > ${directory}/$name; done
# Not by a child: around its fork a shell blocks every signal.
while read -r line; do echo "$line"; done < /proc/$$/status > ${out("status")}
for fd in /proc/$$/fd/*; do echo "\${fd##*/} $(readlink "$fd") $(sed -n 's/flags:\\t//p' "/proc/$$/fdinfo/\${fd##*/}")"; done > ${out("fds")}
cat "/proc/$$/fd/$2" > ${out("plan")}
{ echo x > "/proc/$$/fd/$2"; } 2> ${out("write")}
echo "pid $$"
`,
  { mode: 0o755 },
);

// The bundle, not the sources through tsx: its loader's thread makes standard error non-blocking.
const cli = [join(root, "dist/cli.cjs")];

/** Starts the command line in a shell of its own, after some preparation there. */
function start(words: string, { before = "", environment = {} as Record<string, string> } = {}) {
  const line = `${before}\nexec "$@" ${words}`;
  const result = spawnSync(
    "sh",
    ["-c", line, "sh", process.execPath, ...cli, "--profile", out("jail.toml")],
    {
      encoding: "utf8",
      env: { PATH: process.env.PATH ?? "", TSJAIL_EXECUTOR: executor, NO_COLOR: "1", ...environment },
    },
  );
  return { ...result, status: result.status };
}

const read = (name: string) => readFileSync(out(name));
const readList = (name: string) => read(name).toString("latin1").split("\0").slice(0, -1);
const readStatus = (name: string) =>
  new RegExp(`^${name}:\\s*(\\S+)`, "m").exec(read("status").toString())?.[1];
const readFds = () =>
  new Map(
    read("fds")
      .toString()
      .trim()
      .split("\n")
      .map((line) => [Number(line.split(" ")[0]), line]),
  );
const bit = (signal: number) => 1n << BigInt(signal - 1);

test("the process stays the same one, and the words arrive after --", () => {
  const result = start("-- sh -c 'echo \"a  b\"' ''");
  assert.is(result.stderr, "");
  assert.is(result.stdout, `pid ${result.pid}\n`);
  // The interpreter and the script stand in the place of argv[0].
  const words = readList("cmdline").slice(2);
  assert.equal([words[0], ...words.slice(2)], ["--plan-fd", "--", "sh", "-c", 'echo "a  b"', ""]);
});

test("words that are not UTF-8 arrive byte for byte", () => {
  start(`cat "$(printf '/tmp/\\377\\376\\303')" "$(printf '\\357\\277\\275')" plain`);
  assert.equal(readList("cmdline").slice(-3), ["/tmp/\xff\xfe\xc3", "\xef\xbf\xbd", "plain"]);
});

test("the plan can be read from its descriptor, and changed by nobody", () => {
  start("true");
  const plan = decodePlan(read("plan"));
  assert.ok(plan.some(({ op }) => op === "pivot"));
  assert.match(read("write").toString(), /not permitted/i);
});

test("the plan does not depend on the command", () => {
  start("true");
  const first = read("plan");
  start("false --with words");
  assert.ok(first.equals(read("plan")));
});

test("no signal is ignored that the caller did not ignore", () => {
  start("true");
  assert.is(BigInt(`0x${readStatus("SigIgn")}`), 0n);
  assert.is(BigInt(`0x${readStatus("SigBlk")}`), 0n);
});

test("what the caller ignored is ignored again", () => {
  const { SIGHUP, SIGINT, SIGPIPE, SIGXFSZ } = constants.signals;
  const ignored = [SIGHUP, SIGINT, SIGPIPE, SIGXFSZ, 40].reduce((set, one) => set | bit(one), 0n);
  const front = `version=${version} nofile=512:1024 ignored=0x${ignored.toString(16)}`;
  start("true", { environment: { TSJAIL_FRONT: front } });
  assert.is(BigInt(`0x${readStatus("SigIgn")}`), ignored);
  start("true", { environment: { TSJAIL_FRONT: `version=${version} nofile=512:1024 ignored=0x0` } });
  assert.is(BigInt(`0x${readStatus("SigIgn")}`), 0n);
});

test("the limit on open files is the caller's again", () => {
  start("true", {
    before: "ulimit -Sn 512; ulimit -Hn 1024",
    environment: { TSJAIL_FRONT: `version=${version} nofile=512:1024 ignored=0x0` },
  });
  assert.match(read("limits").toString(), /^Max open files +512 +1024 /m);
});

test("a limit on file sizes that the plan does not fit into is an error that names it", () => {
  const result = start("true", { before: "ulimit -f 0" });
  assert.is(result.status, 125);
  assert.match(
    result.stderr,
    /^tsjail: The plan can't be handed to the executor: EFBIG\.\n {2}.*RLIMIT_FSIZE/,
  );
  assert.match(result.stderr, "ulimit -f unlimited");
  // In units of 512 or 1024 bytes: one plan fits in.
  assert.is(start("true", { before: "ulimit -f 200" }).status, 0);
});

test("a hard limit below that of the parent is no obstacle", () => {
  // Without TSJAIL_FRONT the parent's limits stand in for the caller's.
  assert.is(start("true", { before: "ulimit -n 300" }).status, 0);
  assert.match(read("limits").toString(), /^Max open files +300 +300 /m);
});

test("standard descriptors stay open and blocking; Node's own are closed", () => {
  start("true");
  const fds = readFds();
  // Node's own begin at 3, where the shell's listing is now; some shells hold the script at 10 and above.
  assert.equal(
    [...fds.keys()].filter((fd) => fd > 3 && fd < 10),
    [],
  );
  assert.is(
    [...fds.values()].some((line) => line.includes("anon_inode")),
    false,
  );
  for (const fd of [0, 1, 2]) {
    const flags = Number.parseInt(fds.get(fd)?.split(" ").at(-1) ?? "", 8);
    assert.is(flags & fsConstants.O_NONBLOCK, 0, `descriptor ${fd}`);
  }
  assert.ok([...fds.values()].some((line) => line.includes("memfd:tsjail-plan")));
});

test("a descriptor is passed on request, and closed otherwise", () => {
  start("--fd 5 true", { before: "exec 5</etc/passwd 6</etc/group" });
  assert.match(readFds().get(5) ?? "", /\/etc\/passwd/);
  assert.is(readFds().has(6), false);
});

test("the status descriptor stays open too", () => {
  start("--status-fd 7 true", { before: `exec 7>${out("status-file")}` });
  assert.match(readFds().get(7) ?? "", /status-file/);
});

test("a descriptor that is closed, or Node's own, can't be passed", () => {
  const closed = start("--fd 77 true");
  assert.is(closed.status, 125);
  assert.match(closed.stderr, /--fd 77: descriptor 77 is not open/);
  for (const fd of [3, 4, 8]) {
    const own = start(`--fd ${fd} true`);
    assert.is(own.status, 125, `descriptor ${fd}: ${own.stdout}`);
  }
});

test("both ends of one pipe can be passed, as make's job server has it", () => {
  // Opening a pipe through /proc gives its other end; the shell, which stays, has both as make's recipes do.
  const line = `: | { exec 4<&0 5>/proc/self/fd/0; "$@" --fd 4 --fd 5 true; :; }`;
  const result = spawnSync(
    "sh",
    ["-c", line, "sh", process.execPath, ...cli, "--profile", out("jail.toml")],
    {
      encoding: "utf8",
      env: { PATH: process.env.PATH ?? "", TSJAIL_EXECUTOR: executor },
    },
  );
  assert.is(result.stderr, "");
  assert.match(readFds().get(5) ?? "", /pipe:/);
});

test("both ends of one pipe can be passed, as make's job server has it", () => {
  // The outer shell keeps them, so that they are known to be the caller's.
  const before = `mkfifo ${out("fifo")} 2>/dev/null; exec 4<>${out("fifo")} 5>${out("fifo")}`;
  assert.is(start("--fd 4 --fd 5 true", { before }).status, 0);
  assert.match(readFds().get(5) ?? "", /fifo/);
});

test("sockets of systemd's are passed on where the profile says so", () => {
  const before = `exec 3</etc/passwd 4</etc/group; export LISTEN_PID=$$ LISTEN_FDS=2`;
  start("--set process.listen_fds=true true", { before });
  assert.match(readFds().get(4) ?? "", /\/etc\/group/);
  const environment = decodePlan(read("plan")).find(({ op }) => op === "environment");
  assert.ok(environment?.op === "environment" && environment.list.includes("LISTEN_FDS=2"));
  start("true", { before });
  assert.is(readFds().has(4), false);
});

test("the executor's environment is the caller's, byte for byte, but for what is tsjail's own", () => {
  const before = "export BYTES=\"$(printf '\\377\\200=b')\" LETTER=\"$(printf '\\357\\277\\275')\" EMPTY=";
  const front = `version=${version} nofile=512:1024 ignored=0x0`;
  start("true", { before, environment: { TOKEN: "a\nb=c", TSJAIL_FRONT: front } });
  const variables = readList("environ");
  for (const one of [
    "BYTES=\xff\x80=b",
    "LETTER=\xef\xbf\xbd",
    "EMPTY=",
    "TOKEN=a\nb=c",
    "NO_COLOR=1",
    `TSJAIL_EXECUTOR=${executor}`,
  ]) {
    assert.ok(variables.includes(one), `${JSON.stringify(one)} in ${JSON.stringify(variables)}`);
  }
  assert.not.match(variables.join("\n"), /^TSJAIL_FRONT=/m);
});

test("no variable that is passed on is in the plan", () => {
  writeFileSync(out("all.toml"), `${readFileSync(out("jail.toml"), "utf8")}[env]\nclear = false\n`);
  start(`--profile ${out("all.toml")} true`, { environment: { TOKEN: "a secret" } });
  assert.ok(readList("environ").includes("TOKEN=a secret"));
  assert.not.ok(read("plan").includes("a secret"));
  assert.not.ok(read("plan").includes("TOKEN"));
});

test("an executor that can't be started is an error, not silence", () => {
  const broken = out("broken");
  writeFileSync(broken, "\x7fELF and nothing more", { mode: 0o755 });
  const environment = {
    TSJAIL_EXECUTOR: broken,
    TSJAIL_FRONT: `version=${version} nofile=512:1024 ignored=0x0`,
  };
  const result = start("true", { environment });
  assert.is(result.status, 125);
  assert.match(
    result.stderr,
    /^tsjail: The executor can't be started \(ENOEXEC\)\.\n {2}The executor is .*broken\n/,
  );
});

test("without a command there is an error that shows how to give one", () => {
  const result = start("");
  assert.is(result.status, 125);
  assert.match(result.stderr, /There is no command, and the profile .*jail\.toml names none/);
  assert.match(result.stderr, /tsjail bash/);
});

test("words are taken from /proc only where they fit what Node has decoded", () => {
  writeFileSync(out("cmdline-other"), "something\0else\0");
  const word = "\uFFFD";
  assert.equal(encodeWords([word], out("cmdline-other"))[0]?.toString(), Buffer.from(word).toString());
  writeFileSync(out("cmdline-own"), Buffer.from([0x6e, 0, 0xff, 0]));
  assert.equal([...(encodeWords([word], out("cmdline-own"))[0] ?? [])], [0xff]);
});
