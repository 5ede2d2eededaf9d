// time-limit: 240s
// A person at a terminal: size, keys, job control, full-screen programs, and the terminal as it was afterwards.
// In: bin/tsjail on a pty that the test holds, often below an interactive bash of the host's.

import { spawn, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import * as assert from "../support/assert.ts";
import { findCommand } from "../support/capability.ts";
import { probe as compileProbe, mount, startExecutor } from "../support/executor.ts";
import { buildCommand, hostTree, tsjail } from "../support/jail.ts";
import { pause, until, watch } from "../support/process.ts";
import { suite, type TestContext } from "../support/suite.ts";
import { openTerminal, type Terminal } from "../support/terminal.ts";

const test = suite("terminal").needs("userns", "command:setsid");

const base = [tsjail, "-p", "base", "--"];
const bashWords = ["bash", "--norc", "--noprofile", "--noediting", "-i"];
const interrupt = "\x03";
const end = "\x04";
const suspend = "\x1a";
const quit = "\x1c";

function open({ cleanup }: TestContext, rows?: number, columns?: number): Terminal {
  const terminal = openTerminal(rows, columns);
  cleanup(() => terminal.close());
  return terminal;
}

/** Runs it on the terminal to its end; the answer is its status and what was shown. */
async function show(terminal: Terminal, words: readonly string[], keys = "") {
  const child = terminal.start(words);
  const { ended } = child;
  if (keys !== "") await terminal.type(keys);
  const { status, signal } = await ended;
  await pause(20);
  return { status, signal, text: terminal.text() };
}

/** An interactive shell of the host's, in which a person starts jails. */
async function openShell(context: TestContext, rows?: number, columns?: number) {
  const terminal = open(context, rows, columns);
  const child = terminal.start(bashWords, { env: { PS1: "host> ", HISTFILE: "/dev/null" } });
  const { ended } = child;
  context.cleanup(async () => {
    child.child.kill("SIGHUP");
    child.child.kill("SIGKILL");
    await ended.catch(() => {});
  });
  await terminal.waitFor("host> ");
  const enter = async (line: string, wanted: string | RegExp = "host> ") => {
    await terminal.type(`${line}\n`);
    await terminal.waitFor(line);
    return terminal.waitFor(wanted);
  };
  return { terminal, child, ended, enter };
}

const jailed = (command: string) => `${tsjail} -p base -- ${command}`;
const innerShell = jailed("env PS1='inner> ' bash --norc --noprofile --noediting -i");

test("the jail has a terminal of its own, of the same size, that controls it", async (context) => {
  const terminal = open(context, 33, 99);
  const script =
    'stty size; tty; ls /dev/pts; cut -d" " -f7 /proc/self/stat; echo direct >/dev/tty; readlink /proc/$$/fd/0';
  const { status, text } = await show(terminal, [...base, "sh", "-c", script]);
  assert.is(status, 0);
  const [size, name, entries, number, direct, link] = text.split("\r\n");
  assert.is(size, "33 99");
  assert.match(name as string, /^\/dev\/(pts\/0|console)$/);
  assert.is(entries?.replace(/\s+/g, " "), "0 ptmx");
  // 136:0, the first pty of a devpts.
  assert.equal([number, direct], [String(136 << 8), "direct"]);
  assert.match(link as string, /^\/dev\/(pts\/0|console)$/);
});

test("the terminal's modes go in with it", async (context) => {
  const terminal = open(context);
  spawnSync("stty", ["iutf8", "erase", "^H", "-ixon"], { stdio: [terminal.slave, "ignore", "inherit"] });
  const outside = terminal.modes();
  const { text } = await show(terminal, [...base, "stty", "-a"]);
  assert.match(text, /[^-]iutf8/);
  assert.match(text, /erase = \^H/);
  assert.match(text, /-ixon/);
  assert.is(terminal.modes(), outside);
});

test("a new size reaches the program, at once and as a signal", async (context) => {
  const terminal = open(context, 24, 80);
  const script = "trap 'stty size' WINCH; echo ready; while :; do sleep 0.05; done";
  const child = terminal.start([...base, "sh", "-c", script]);
  await terminal.waitFor("ready");
  for (const [rows, columns] of [
    [50, 132],
    [10, 20],
    [24, 80],
  ] as const) {
    terminal.resize(rows, columns);
    await terminal.waitFor(`${rows} ${columns}\r\n`);
  }
  await terminal.type(interrupt);
  assert.is((await child.ended).status, 130);
});

test("^C and ^\\ are the program's: 130 and 131", async (context) => {
  const terminal = open(context);
  for (const [key, status] of [
    [interrupt, 130],
    [quit, 131],
  ] as const) {
    const child = terminal.start([...base, "sh", "-c", "ulimit -c 0; echo ready; exec sleep 60"]);
    await terminal.waitFor("ready");
    await pause(50);
    await terminal.type(key);
    assert.is((await child.ended).status, status);
  }
});

test("a program that catches ^C goes on", async (context) => {
  const terminal = open(context);
  const script = `trap 'echo caught' INT; echo ready; until [ "$a" ]; do read -r a; done; echo "got $a"; exit 5`;
  const child = terminal.start([...base, "bash", "-c", script]);
  await terminal.waitFor("ready");
  await terminal.type(interrupt);
  await terminal.waitFor("caught");
  await terminal.type("word\n");
  await terminal.waitFor("got word");
  assert.is((await child.ended).status, 5);
});

test("^C in an inner shell ends the program there and neither the shell nor the jail", async (context) => {
  const { terminal, enter } = await openShell(context);
  await enter(innerShell, "inner> ");
  await terminal.type("sleep 60\n");
  await pause(300);
  await terminal.type(interrupt);
  await terminal.waitFor("inner> ");
  await enter("echo status $?", "status 130");
  await terminal.waitFor("inner> ");
  await enter("exit 9", "host> ");
  await enter("echo outer $?", "outer 9");
});

test("^D ends an inner shell", async (context) => {
  const { terminal, enter } = await openShell(context);
  await enter(innerShell, "inner> ");
  await terminal.type(end);
  await terminal.waitFor("host> ");
  await enter("echo outer $?", "outer 0");
});

test("^Z stops the whole jail, the terminal is the shell's again, and fg goes on", async (context) => {
  const { terminal, enter } = await openShell(context);
  for (let round = 0; round < 2; round++) {
    await enter(jailed("sh -c 'echo re\"\"ady; exec cat'"), "ready");
    await terminal.type(`first ${round}\n`);
    await terminal.waitFor(new RegExp(`first ${round}\\r\\nfirst ${round}`));
    await terminal.type(suspend);
    await terminal.waitFor("Stopped");
    await terminal.waitFor("host> ");
    await enter("stty -a | grep -c '[^-]icanon'; echo $((6 * 7))", "42");
    await terminal.waitFor("host> ");
    await enter("fg", "exec cat");
    await pause(200);
    await terminal.type("second\n");
    await terminal.waitFor(/second\r\nsecond/);
    await terminal.type(end);
    await terminal.waitFor("host> ");
    await enter("echo outer $?", "outer 0");
    await terminal.waitFor("host> ");
  }
});

test("^Z in an inner shell stops the program there, and its fg is the inner one", async (context) => {
  const { terminal, enter } = await openShell(context);
  await enter(innerShell, "inner> ");
  await terminal.type("sleep 61\n");
  await pause(300);
  await terminal.type(suspend);
  await terminal.waitFor("Stopped");
  await terminal.waitFor("inner> ");
  await enter("jobs", /Stopped +sleep 61/);
  await terminal.waitFor("inner> ");
  await terminal.type("fg\n");
  await terminal.waitFor("sleep 61");
  await pause(200);
  await terminal.type(interrupt);
  await terminal.waitFor("inner> ");
  await enter("exit", "host> ");
});

test("an inner shell that suspends itself stops the jail, and fg brings it back with its screen size", async (context) => {
  const { terminal, enter } = await openShell(context, 24, 80);
  await enter(innerShell, "inner> ");
  await terminal.type("kill -STOP $$\n");
  await terminal.waitFor("Stopped");
  await terminal.waitFor("host> ");
  terminal.resize(40, 100);
  await terminal.type("fg\n");
  await pause(300);
  await terminal.type("stty size\n");
  await terminal.waitFor("40 100");
  await terminal.waitFor("inner> ");
  await enter("exit", "host> ");
});

test("a jail that was started in the background does not touch the terminal until fg", async (context) => {
  const { terminal, enter } = await openShell(context);
  await enter(
    `${jailed(`sh -c 'sleep 0.5; echo from the jail; read -r a; echo "read $a"; stty -a | grep -o " icanon"'`)} &`,
  );
  await enter("echo still $((40 + 2))", "still 42");
  await terminal.waitFor("from the jail");
  await enter("echo typed here", "\ntyped here");
  await terminal.waitFor("host> ");
  await terminal.type("fg\n");
  await pause(500);
  await terminal.type("for the jail\n");
  await terminal.waitFor("read for the jail");
  await terminal.waitFor("icanon");
  await terminal.waitFor("host> ");
});

test("a stopped jail goes on in the background with bg, and what it says is shown", async (context) => {
  const { terminal, enter } = await openShell(context);
  await enter(jailed("sh -c 'echo a$((1)); sleep 1; echo a$((2)); sleep 1; echo a$((3))'"), "a1\r\n");
  await terminal.type(suspend);
  await terminal.waitFor("Stopped");
  await terminal.waitFor("host> ");
  await terminal.type("bg\n");
  await terminal.waitFor(/a2\r/);
  await terminal.waitFor(/a3\r/);
  await pause(200);
  await terminal.type("\n");
  await terminal.waitFor("Done");
});

test("a key that is pressed while the jail is being set up is the command's", async (context) => {
  for (const [key, status] of [
    [interrupt, 130],
    [quit, 131],
  ] as const) {
    const terminal = open(context);
    const cooked = terminal.modes();
    // So many that there is time to press it.
    const slow = Array.from({ length: 500 }, (_, index) => mount("tmpfs", `/slow/${index}`));
    const child = watch(
      startExecutor(["sh", "-c", "ulimit -c 0; exec sleep 20"], {
        jail: [...slow],
        through: ["setsid", "--ctty"],
        stdio: [terminal.slave, terminal.slave, terminal.slave],
      }),
    );
    await until(() => terminal.modes() !== cooked, "the terminal to be raw");
    await terminal.type(key);
    assert.is((await child.ended).status, status);
  }
});

test("a full-screen program draws, takes keys and leaves the screen as it was", async (context) => {
  const terminal = open(context, 30, 90);
  const before = terminal.modes();
  const child = terminal.start([...base, "env", "TERM=xterm", "top", "-d", "5"]);
  await terminal.waitFor("PID");
  await terminal.type("q");
  assert.is((await child.ended).status, 0);
  assert.is(terminal.modes(), before);
  assert.match(terminal.text(), /\x1b\[/);
});

test("the terminal is as it was, however the jail ends", { timeLimit: 60 }, async (context) => {
  const terminal = open(context);
  const before = terminal.modes();
  const cases: [string[], number, NodeJS.Signals?][] = [
    [["-p", "base", "--", "sh", "-c", "stty raw -echo; exit 3"], 3],
    [["-p", "base", "--", "sh", "-c", "stty raw -echo; kill -KILL $$"], 137],
    [["-p", "base", "--timeout", "500ms", "--", "sh", "-c", "stty raw -echo; exec sleep 60"], 124],
    [["-p", "base", "--", "no-such-command"], 127],
    [["-p", "base", "--", "/etc/passwd"], 126],
    [["-p", "base", "--bind", "/no/such/thing", "--", "true"], 125],
    [["-p", "base", "--", "sh", "-c", "stty raw -echo; echo running; exec sleep 60"], 143, "SIGTERM"],
    [["-p", "base", "--", "sh", "-c", "stty raw -echo; echo running; exec sleep 60"], 129, "SIGHUP"],
  ];
  for (const [words, expected, signal] of cases) {
    const child = terminal.start([tsjail, ...words]);
    const { ended } = child;
    if (signal !== undefined) {
      await terminal.waitFor("running");
      child.child.kill(signal);
    }
    assert.is((await ended).status, expected, words.join(" "));
    assert.is(terminal.modes(), before, words.join(" "));
  }
});

test("the terminal is raw while the jail runs: the keys are the jail's", async (context) => {
  const terminal = open(context);
  const before = terminal.modes();
  const child = terminal.start([...base, "sh", "-c", "echo running; read -r a"]);
  await terminal.waitFor("running");
  assert.is.not(terminal.modes(), before);
  await terminal.type("\n");
  await child.ended;
  assert.is(terminal.modes(), before);
});

test("the caller's end of the terminal hangs up: the jail ends", async () => {
  const terminal = openTerminal();
  const child = terminal.start([...base, "sh", "-c", "echo running; exec sleep 60"]);
  await terminal.waitFor("running");
  terminal.close();
  const { status, signal } = await child.ended;
  assert.ok(status === 129 || signal === "SIGHUP", `${status} ${signal}`);
});

test("200 KB of output are shown unbroken, and whole when the jail ends right after", async (context) => {
  const terminal = open(context);
  const { status, text } = await show(terminal, [...base, "seq", "1", "40000"]);
  assert.is(status, 0);
  const expected = Array.from({ length: 40000 }, (_, index) => `${index + 1}\r\n`).join("");
  assert.ok(expected.length > 200_000);
  assert.is(
    createHash("sha256").update(text).digest("hex"),
    createHash("sha256").update(expected).digest("hex"),
  );
});

test("100 KB that are pasted arrive whole", { timeLimit: 60 }, async (context) => {
  const terminal = open(context);
  const child = terminal.start([...base, "sh", "-c", "stty -echo; echo ready; sha256sum"]);
  await terminal.waitFor("ready");
  const pasted = Array.from({ length: 1400 }, (_, index) => `${index} ${"x".repeat(70)}\n`).join("");
  assert.ok(pasted.length > 100_000);
  await terminal.type(pasted);
  await terminal.type(end);
  await terminal.waitFor(createHash("sha256").update(pasted).digest("hex"), 20);
  assert.is((await child.ended).status, 0);
});

test("text that is not ASCII passes both ways", async (context) => {
  const terminal = open(context);
  const words = "zażółć 世界 😀 e\u0301";
  const child = terminal.start([
    ...base,
    "sh",
    "-c",
    'stty -echo; echo ready; read -r a; printf "%s" "$a" | od -An -tx1 | tr -d " \\n"; echo "<$a>"',
  ]);
  await terminal.waitFor("ready");
  await terminal.type(`${words}\n`);
  await terminal.waitFor(Buffer.from(words).toString("hex"));
  await terminal.waitFor(`<${words}>`);
  assert.is((await child.ended).status, 0);
});

test("with --no-tty the command has the caller's descriptors, and no controlling terminal", async (context) => {
  const terminal = open(context);
  const script =
    '[ -t 0 ] && echo "a terminal"; cut -d" " -f7 /proc/self/stat; ls /dev/pts; (exec </dev/tty) || echo "none of its own"';
  const { text } = await show(terminal, [tsjail, "-p", "base", "--no-tty", "--", "sh", "-c", script]);
  const lines = text.split("\r\n");
  assert.equal(lines.slice(0, 3), ["a terminal", "0", "ptmx"]);
  assert.match(text, "none of its own");
});

test('tty = "always" gives a terminal where the caller has pipes', async () => {
  const { argv, remove } = buildCommand({
    toml: `${hostTree}\n[process]\ntty = "always"\n`,
    command: [
      "sh",
      "-c",
      'for fd in 0 1 2; do [ -t $fd ] && echo "$fd"; done; read -r a; echo "got $a"; read -r a || echo end',
    ],
  });
  const child = spawn(tsjail, argv, { cwd: "/", stdio: ["pipe", "pipe", "pipe"] });
  const running = watch(child);
  await running.waitFor("2");
  child.stdin.end("word\n");
  const outcome = await running.ended;
  remove();
  assert.is(outcome.status, 0);
  assert.match(outcome.stdout, /0\r\n1\r\n2\r\n/);
  assert.match(outcome.stdout, /got word\r\n/);
  assert.match(outcome.stdout, /end\r\n$/);
});

/** What the kernel says of TIOCSTI on one's own terminal, since 6.2 without a capability. */
function permitsTyping(): boolean {
  try {
    return readFileSync("/proc/sys/dev/tty/legacy_tiocsti", "utf8").trim() === "1";
  } catch {
    return true;
  }
}

/** The probe on the terminal in a jail of the executor's; the answer is what was shown. */
async function probe(terminal: Terminal, tty: "auto" | "never", ...words: string[]): Promise<string> {
  const child = watch(
    startExecutor(["/probe", ...words], {
      supervise: { tty },
      through: ["setsid", "--ctty"],
      stdio: [terminal.slave, terminal.slave, terminal.slave],
    }),
  );
  await child.ended;
  await pause(30);
  return terminal.text();
}

test("TIOCSTI on the jail's terminal stays in the jail", async (context) => {
  const terminal = open(context);
  const shown = await probe(terminal, "auto", "type", "0", "touch /tmp/typed\n");
  assert.match(shown, permitsTyping() ? "TIOCSTI: done" : /TIOCSTI: (Input|Operation)/);
  // What had been typed on the caller's terminal would now be read there.
  const child = terminal.start(["bash", "-c", 'read -r -t 0.5 line; echo "left: <$line>"']);
  await terminal.waitFor("left: <>");
  assert.is((await child.ended).status, 0);
});

test("what it types there is read there, by the jail", async (context) => {
  if (!permitsTyping()) return assert.ok(true);
  const terminal = open(context);
  const child = watch(
    startExecutor(["bash", "-c", '/probe type 0 "word\n"; read -r line; echo "read: <$line>"'], {
      through: ["setsid", "--ctty"],
      stdio: [terminal.slave, terminal.slave, terminal.slave],
    }),
  );
  await terminal.waitFor("read: <word>");
  assert.is((await child.ended).status, 0);
});

test("TIOCSTI on the caller's own terminal is refused; the twin outside of a jail is not", async (context) => {
  const terminal = open(context);
  assert.match(
    await probe(terminal, "never", "type", "0", "echo owned\n"),
    /TIOCSTI: Operation not permitted|TIOCSTI: Input/,
  );
  const twin = await show(terminal, [compileProbe(), "type", "0", "x"]);
  if (permitsTyping()) assert.match(twin.text, "TIOCSTI: done");
});

test("TIOCLINUX reaches no console", async (context) => {
  const terminal = open(context);
  for (const tty of ["auto", "never"] as const) {
    const shown = await probe(terminal, tty, "console", "0");
    assert.match(shown, /TIOCLINUX paste: (?!done)/);
    assert.match(shown, /TIOCLINUX shift: (?!done)/);
  }
});

test("a program that is left behind on the terminal is ended with the jail", async (context) => {
  const terminal = open(context);
  const before = terminal.modes();
  const { status } = await show(terminal, [...base, "bash", "-c", "sleep 61 & cat & exit 4"]);
  assert.is(status, 4);
  assert.is(terminal.modes(), before);
});

test("script(1) and less work in a jail, where they are installed", async (context) => {
  const terminal = open(context);
  const { text } = await show(terminal, [...base, "script", "-qec", "tty; stty size", "/dev/null"]);
  assert.match(text, /\/dev\/pts\/1\r\n24 80/);
  if (findCommand("less") === undefined) return;
  const child = terminal.start([...base, "less", "/etc/services"]);
  await pause(500);
  await terminal.type("q");
  assert.is((await child.ended).status, 0);
});
