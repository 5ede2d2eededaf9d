// time-limit: 200s
// A person at a terminal: size, modes, keys, full-screen programs, and the terminal as it was afterwards.
// In: bin/tsjail on a pty that the test holds. Next: jobs.test.ts, injection.test.ts.
import { spawn, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import * as assert from "../support/assert.ts";
import { findCommand } from "../support/capability.ts";
import { buildCommand, hostTree, tsjail } from "../support/jail.ts";
import { pause, watch } from "../support/process.ts";
import { base, end, interrupt, open, quit, show } from "../support/screen.ts";
import { suite } from "../support/suite.ts";
import { openTerminal } from "../support/terminal.ts";

const test = suite("terminal").needs("userns", "command:setsid");

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
  const ways = [["--no-cache"], []];
  for (const [words, expected, signal] of ways.flatMap((way) =>
    cases.map(([words, ...rest]) => [[...way, ...words], ...rest] as const),
  )) {
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
