// time-limit: 200s
// Job control: ^C, ^Z, fg and bg, of jails in an interactive shell of the host's and of programs in a shell inside.
// In: bin/tsjail below bash on a pty that the test holds.
import * as assert from "../support/assert.ts";
import { mount, startExecutor } from "../support/executor.ts";
import { pause, until, watch } from "../support/process.ts";
import { end, innerShell, interrupt, jailed, open, openShell, quit, suspend } from "../support/screen.ts";
import { suite } from "../support/suite.ts";

const test = suite("jobs").needs("userns", "command:cc", "command:setsid");

test("^C in an inner shell ends the program there and neither the shell nor the jail", async (context) => {
  const { terminal, enter } = await openShell(context);
  await enter(innerShell, "inner> ");
  await terminal.type("sleep 60\n");
  await pause(300);
  await terminal.type(interrupt);
  await terminal.waitFor("inner> ");
  assert.match(await enter("echo status $?", "status 130"), "status 130");
  await terminal.waitFor("inner> ");
  await enter("exit 9", "host> ");
  assert.match(await enter("echo outer $?", "outer 9"), "outer 9");
});

test("^D ends an inner shell", async (context) => {
  const { terminal, enter } = await openShell(context);
  await enter(innerShell, "inner> ");
  await terminal.type(end);
  await terminal.waitFor("host> ");
  assert.match(await enter("echo outer $?", "outer 0"), "outer 0");
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
    assert.match(await enter("echo outer $?", "outer 0"), "outer 0");
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
  assert.ok(await enter("exit", "host> "));
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
  assert.ok(await enter("exit", "host> "));
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
  assert.ok(await terminal.waitFor("host> "));
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
  assert.ok(await terminal.waitFor("Done"));
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
