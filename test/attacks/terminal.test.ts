// time-limit: 300s
// Attacks on the terminal that tsjail is started on: typing there for whoever comes after. In: a pty that the test
// holds. test/jail/injection.test.ts has the cases of the executor alone.
import { readFileSync } from "node:fs";
import * as assert from "../support/assert.ts";
import { tsjail } from "../support/jail.ts";
import { open } from "../support/screen.ts";
import type { TestContext } from "../support/suite.ts";
import { attacks, profiles } from "./attack.ts";
import { noteResult, type Verdict } from "./results.ts";
import { writeFilter } from "./run.ts";

const title = "terminal";
const { test: suite, world } = attacks(title);
const test = suite.needs("userns", "command:cc", "command:setsid");

/** Since Linux 6.2 it can be switched off for everybody without a capability. */
function permitsTyping(): boolean {
  try {
    return readFileSync("/proc/sys/dev/tty/legacy_tiocsti", "utf8").trim() === "1";
  } catch {
    return true;
  }
}

/** Whether something was typed for the program that reads from the terminal next. `before`: what starts the attack. */
async function isTyped(context: TestContext, before: readonly string[]): Promise<boolean> {
  const terminal = open(context);
  const { project, env } = world();
  const words = [...before, "type_there", "0", "x"];
  const script = '"$@"; read -r -t 1 -n 1 key; echo "left: <$key>"';
  const child = terminal.start(["bash", "-c", script, "bash", ...words], {
    cwd: project,
    env: { PWD: project, ...env } as NodeJS.ProcessEnv,
  });
  const shown = await terminal.waitFor(/left: <.?>/, 20);
  await child.ended;
  return shown.includes("left: <x>");
}

const twin = permitsTyping()
  ? "typing on the terminal succeeds without a jail, with high bits in the request too"
  : "typing on the terminal: this machine refuses it to everybody (dev.tty.legacy_tiocsti is 0)";

test(twin, async (context) => {
  assert.is(await isTyped(context, [world().program]), permitsTyping());
});

test("typing on the terminal: the filter of system calls alone holds it", async (context) => {
  const attack = { name: "type", layers: [], words: () => [] };
  const filter = await writeFilter(attack, world(), "base");
  assert.not.ok(await isTyped(context, [world().program, "filtered", filter]));
});

for (const profile of profiles) {
  for (const tty of ["auto", "never"] as const) {
    test(`typing on the caller's terminal: ${profile} holds, tty ${tty}, with a filter and without`, {
      timeLimit: 60,
    }, async (context) => {
      const { program } = world();
      const typed: boolean[] = [];
      for (const seccomp of ["default", "off"]) {
        const settings = ["--set", `process.tty='${tty}'`, "--set", `security.seccomp='${seccomp}'`];
        const words = [tsjail, "-p", profile, ...settings, "--bind", program, "--", program];
        typed.push(await isTyped(context, words));
      }
      const verdict: Verdict = typed.includes(true) ? "escaped" : "held";
      const name = `type on the caller's terminal (${tty === "auto" ? "with a pty of the jail's" : "without"})`;
      const layers = [tty === "auto" ? "a pty of its own" : "own session", "seccomp"] as const;
      noteResult(title, { name, cve: "CVE-2017-5226", layers, words: () => [] }, profile, verdict);
      assert.is(verdict, "held");
    });
  }
}
