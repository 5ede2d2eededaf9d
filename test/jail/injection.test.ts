// What a jail could do to the terminal that it was started on: type on it (TIOCSTI), paste (TIOCLINUX). In: probe.c in
// the executor's jail, on a pty that the test holds, with a terminal of its own and without.
import { readFileSync } from "node:fs";
import * as assert from "../support/assert.ts";
import { probe as compileProbe, startExecutor } from "../support/executor.ts";
import { pause, watch } from "../support/process.ts";
import { open, show } from "../support/screen.ts";
import { suite } from "../support/suite.ts";
import type { Terminal } from "../support/terminal.ts";

const test = suite("injection").needs("userns", "command:cc", "command:setsid");

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
