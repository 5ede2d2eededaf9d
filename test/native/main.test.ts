// The executor's own command line, and what it takes for a plan's descriptor. In: words and descriptors. Out: the
// version, a jail, or one line and 125. What the bytes of a plan may be is in wire.test.ts.
import { spawnSync } from "node:child_process";
import {
  chmodSync,
  chownSync,
  closeSync,
  constants,
  copyFileSync,
  ftruncateSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { maxPlanBytes, planVersion } from "../../src/plan/operations.ts";
import { encodePlan } from "../../src/plan/wire.ts";
import * as assert from "../support/assert.ts";
import { executor, makePlan } from "../support/executor.ts";
import { findLeft } from "../support/process.ts";
import { skip, suite, type TestContext } from "../support/suite.ts";
import { damaged, expectRefusal, nodeFlags, openBytes, runBytes, runWords } from "./run.ts";

const test = suite("native/main");
const { version } = JSON.parse(readFileSync(join(import.meta.dirname, "../../package.json"), "utf8"));
const versionLine = `tsjail-executor ${version} plan ${planVersion}\n`;
const alone =
  /^tsjail: this is the executor alone, which carries out plans: tsjail run \.\/FILE COMMAND; for profiles it has to .*\n$/;
const wrongNumber = /^tsjail: --plan-fd wants the number of an open descriptor above 2\n$/;
const setuid = /^tsjail: the executor must not be setuid, setgid or have file capabilities;.*\n$/;

const isHosted = readFileSync(executor()).includes("libasan");
test("says its version and the version of the plans that it reads", () => {
  const run = runWords(["--version"]);
  assert.equal([run.status, run.stdout, run.stderr], [0, versionLine, ""]);
});

test("fails when its version can't be written", () => {
  const full = openSync("/dev/full", "w");
  const run = runWords(["--version"], { stdio: ["ignore", full, "pipe"] });
  closeSync(full);
  assert.is(run.status, 125);
});

test("says what it is and what it can do where there is no package around it", (context) => {
  const program = copyExecutor(context, 0o755);
  const words = [
    [],
    ["bash"],
    ["--help"],
    ["-h"],
    ["--versions"],
    ["--version", "x"],
    ["--"],
    [""],
    ["--front"],
  ];
  for (const each of words) expectRefusal(runWords(each, { program }), alone, JSON.stringify(each));
});

test("becomes Node on the command line of the package that it lies in", ({ cleanup }) => {
  const top = mkdtempSync(join(tmpdir(), "tsjail-package-"));
  cleanup(() => rmSync(top, { recursive: true }));
  const node = join(top, "node");
  writeFileSync(node, `#!/bin/sh\nprintf '%s\\0' "$@"\n`, { mode: 0o755 });
  for (const [place, packageDirectory] of [
    ["checkout/dist/linux-x64", "checkout"],
    ["global/node_modules/@tsjail/linux-x64", "global/node_modules/tsjail"],
    ["local/node_modules/tsjail/node_modules/@tsjail/linux-x64", "local/node_modules/tsjail"],
  ] as const) {
    const program = join(top, place, "tsjail");
    const script = join(top, packageDirectory, "dist/cli.cjs");
    mkdirSync(join(top, place), { recursive: true });
    mkdirSync(dirname(script), { recursive: true });
    copyFileSync(executor(), program);
    const env = { PATH: top, HOME: top };
    expectRefusal(runWords(["bash"], { program, env }), alone, place);
    writeFileSync(script, "");
    for (const words of [[], ["-p", "dev", "a b"], ["--version", "x"], ["--front"]]) {
      const run = runWords(words, { program, env });
      assert.equal(
        run.stdout.split("\0").slice(0, -1),
        [...nodeFlags, script, ...words],
        `${place}: ${run.stderr}`,
      );
    }
  }
});

test("survives an empty argv", (context) => {
  // No shell and no Node starts a program so; since 5.18 the kernel puts an empty string there.
  const script = `import ctypes as c, sys
none = (c.c_char_p * 1)(None)
c.CDLL(None).execve(sys.argv[1].encode(), none, none)`;
  const result = spawnSync("python3", ["-c", script, copyExecutor(context, 0o755)], { encoding: "utf8" });
  if (result.error !== undefined) skip("python3 is not installed");
  assert.match(result.stderr, alone);
  assert.is(result.status, 125);
});

test("wants the number of a descriptor above 2", () => {
  const wrong = ["", "-1", "0", "1", "2", "3x", "x3", " 3", "+3", "3 ", "0x3", "2147483648", "4294967299"];
  const plan = encodePlan(makePlan());
  for (const number of [...wrong, "18446744073709551619", "9".repeat(5000)]) {
    const { fd } = openBytes(plan);
    const run = runWords(["--plan-fd", number, "--", "true"], { stdio: ["ignore", "pipe", "pipe", fd] });
    closeSync(fd);
    expectRefusal(run, wrongNumber, number.slice(0, 30));
  }
  expectRefusal(runWords(["--plan-fd"]), wrongNumber, "no number");
});

test.needs("userns")("takes the same plan by a number with zeros in front", () => {
  const { fd } = openBytes(encodePlan(makePlan()));
  const run = runWords(["--plan-fd", "003", "--", "sh", "-c", "exit 3"], {
    stdio: ["ignore", "pipe", "pipe", fd],
  });
  closeSync(fd);
  assert.is(`${run.status} ${run.stderr}`, "3 ");
});

test("wants -- in front of a command", () => {
  const { fd } = openBytes(encodePlan(makePlan()));
  for (const words of [["true"], ["-x"], ["--x", "--", "true"], [""]]) {
    const run = runWords(["--plan-fd", "3", ...words], { stdio: ["ignore", "pipe", "pipe", fd] });
    expectRefusal(run, /^tsjail: a command comes after --\n$/, JSON.stringify(words));
  }
  closeSync(fd);
});

test.needs("userns")("passes on every word behind --, byte for byte", () => {
  const words = ["--", "-x", "", "a b", "*", "$HOME", "it's", "\n", "\\", "ü", "--plan-fd", "9"];
  const run = runBytes(encodePlan(makePlan()), ["sh", "-c", `printf '%s\\0' "$@"`, ...words]);
  assert.equal(run.stdout.split("\0").slice(0, -1), words.slice(1));
  assert.is(run.status, 0);
});

test("refuses a descriptor that is closed", () => {
  for (const number of ["3", "9", "1000000", "2147483647"]) {
    expectRefusal(runWords(["--plan-fd", number, "--", "true"]), damaged, number);
  }
});

/** Something else than a file of bytes, as the flags say, on descriptor 3. */
function runOn(path: string, flags: number | string): ReturnType<typeof runWords> {
  const fd = openSync(path, flags);
  try {
    return runWords(["--plan-fd", "3", "--", "true"], { stdio: ["ignore", "pipe", "pipe", fd] });
  } finally {
    closeSync(fd);
  }
}

test("refuses a directory, devices, a terminal and procfs files", () => {
  const O_PATH = 0o10000000;
  const plan = openBytes(encodePlan(makePlan()));
  closeSync(plan.fd);
  const things: readonly [string, number | string][] = [
    ["/", "r"],
    ["/dev/null", "r"],
    ["/dev/zero", "r"],
    ["/dev/ptmx", constants.O_RDWR | constants.O_NOCTTY],
    ["/proc/self/status", "r"],
    [plan.path, O_PATH],
    [plan.path, constants.O_WRONLY],
  ];
  for (const [path, flags] of things) expectRefusal(runOn(path, flags), damaged, `${path} ${flags}`);
});

test("refuses a pipe, also one that a plan comes out of", () => {
  const plan = openBytes(encodePlan(makePlan()));
  closeSync(plan.fd);
  const script = `cat "$1" | { exec 3<&0 </dev/null; exec "$0" --plan-fd 3 -- true; }`;
  const run = runWords(["-c", script, executor(), plan.path], { program: "/bin/sh" });
  expectRefusal(run, damaged, "a pipe");
});

test("refuses an empty file, zeros, and files of enormous size", { timeLimit: 60 }, () => {
  for (const size of [0, 1, 31, 32, 4096, maxPlanBytes, maxPlanBytes + 1, 2 ** 31, 2 ** 32 + 32, 2 ** 40]) {
    const { path, fd } = openBytes(new Uint8Array());
    closeSync(fd);
    const writing = openSync(path, "r+");
    ftruncateSync(writing, size);
    closeSync(writing);
    const run = runOn(path, "r");
    rmSync(path);
    expectRefusal(run, damaged, `${size} zeros`);
    assert.equal(findLeft("no such marker", run.pid), []);
  }
});

test.needs("userns")("reads a plan from its beginning, wherever the descriptor stands", () => {
  const { fd } = openBytes(encodePlan(makePlan()));
  const script = `head -c 100 <&3 >/dev/null; exec "$0" --plan-fd 3 -- sh -c "exit 4"`;
  const run = runWords(["-c", script, executor()], {
    program: "/bin/sh",
    stdio: ["ignore", "pipe", "pipe", fd],
  });
  closeSync(fd);
  assert.is(`${run.status} ${run.stderr}`, "4 ");
});

test.needs("userns")("gives the command /dev/null where the caller had closed a standard descriptor", () => {
  const { path, fd } = openBytes(encodePlan(makePlan()));
  closeSync(fd);
  // stat prints the device's numbers, and fails for a descriptor that is not there.
  const look = `for n in 0 1 2; do x=$x$(stat -Lc %t:%T /proc/$$/fd/$n 2>/dev/null || echo none),; done; echo "$x" >/tmp/x`;
  for (const [closed, expected] of [
    ["0<&-", "1:3,*,*,"],
    ["0<&- 1>&-", "1:3,1:3,*,"],
    ["0<&- 1>&- 2>&-", "1:3,1:3,1:3,"],
  ] as const) {
    const inside = `${look}; case "$x" in ${expected}) exit 5;; esac; exit 6`;
    const script = `exec 3<"$1" ${closed}; exec "$0" --plan-fd 3 -- sh -c '${inside}'`;
    const run = runWords(["-c", script, executor(), path], { program: "/bin/sh" });
    assert.is(run.status, 5, `${closed}: ${run.stderr}`);
  }
});

/** A copy of the executor with these mode bits, where programs of others can be started. */
function copyExecutor({ cleanup }: TestContext, mode: number): string {
  const directory = mkdtempSync(join(tmpdir(), "tsjail-setuid-"));
  cleanup(() => rmSync(directory, { recursive: true }));
  chmodSync(directory, 0o755);
  const path = join(directory, "tsjail");
  copyFileSync(executor(), path);
  chmodSync(path, mode);
  if (/nosuid/.test(mountOptions(directory))) skip(`${directory} is on a nosuid mount`);
  return path;
}

function mountOptions(path: string): string {
  const mounts = readFileSync("/proc/self/mountinfo", "utf8").trim().split("\n");
  const covering = mounts
    .map((line) => line.split(" "))
    .filter(([, , , , point = ""]) => point === "/" || `${path}/`.startsWith(`${point}/`))
    .sort((a, b) => (a[4] ?? "").length - (b[4] ?? "").length);
  return covering.at(-1)?.[5] ?? "";
}

/** Neither root nor anybody: only its difference from root counts. */
const stranger = 54_321;

test.needs("root")("refuses to run setuid or setgid", (context) => {
  for (const mode of [0o4755, 0o2755, 0o6755]) {
    const program = copyExecutor(context, mode);
    for (const words of [["--version"], ["--front", "/"], ["--plan-fd", "3", "--", "true"], []]) {
      const run = runWords(words, { program, uid: stranger, cwd: "/" });
      expectRefusal(run, setuid, `${mode.toString(8)} ${words}`);
    }
    // The twin: for whom the bits change nothing, they are nothing.
    assert.is(runWords(["--version"], { program }).stdout, versionLine);
    const plain = copyExecutor(context, 0o755);
    assert.is(runWords(["--version"], { program: plain, uid: stranger, cwd: "/" }).stdout, versionLine);
  }
});

test.needs("root", "command:setcap")("refuses to run with file capabilities", (context) => {
  const program = copyExecutor(context, 0o755);
  const set = spawnSync("setcap", ["cap_net_raw+ep", program], { encoding: "utf8" });
  if (set.status !== 0) skip(`setcap: ${set.stderr.trim()}`);
  expectRefusal(runWords(["--version"], { program, uid: stranger, cwd: "/" }), setuid, "cap_net_raw");
});

test.needs("root")("refuses for a stranger's setuid bit too", (context) => {
  const program = copyExecutor(context, 0o755);
  chownSync(program, stranger, stranger);
  chmodSync(program, 0o4755);
  expectRefusal(runWords(["--version"], { program }), setuid, "root runs a stranger's setuid program");
});

test.needs("user")(
  "runs from a copy with the setuid bit of the user who runs it: it gives nothing",
  (context) => {
    // AT_SECURE (getauxval(3)) says that the program runs with other ids than its caller's; here they are the same.
    const run = runWords(["--version"], { program: copyExecutor(context, 0o4755) });
    assert.is(run.stdout, versionLine);
  },
);

// The sanitized one is neither, and not for users.
const shippedTest = isHosted ? () => {} : test;

shippedTest("is one file that needs nothing else, below 200 KB", () => {
  const program = readFileSync(executor());
  assert.ok(program.length < 200_000, `${program.length} bytes`);
  // No interpreter: PT_INTERP is program header type 3.
  const [at, size, count] = [program.readUInt32LE(32), program.readUInt16LE(54), program.readUInt16LE(56)];
  const types = Array.from({ length: count }, (_, index) => program.readUInt32LE(at + index * size));
  assert.not.ok(types.includes(3), types.join(" "));
});
