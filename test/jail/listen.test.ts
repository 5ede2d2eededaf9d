// Socket activation (sd_listen_fds(3)): with process.listen_fds the sockets pass through, LISTEN_PID is the command's
// own pid; without it they don't. In: bin/tsjail, behind a shell that plays systemd.
import { spawn } from "node:child_process";
import * as assert from "../support/assert.ts";
import { buildCommand, hostTree, tsjail } from "../support/jail.ts";
import { type Outcome, watch } from "../support/process.ts";
import { suite } from "../support/suite.ts";

const test = suite("listen").needs("userns");

const show = `echo "pid=$$ LISTEN_PID=$LISTEN_PID LISTEN_FDS=$LISTEN_FDS LISTEN_FDNAMES=$LISTEN_FDNAMES";
  for fd in 3 4 5 6; do [ -e /proc/self/fd/$fd ] && echo "open $fd"; done; true`;

/** systemd's part: LISTEN_PID is the pid that exec keeps, the descriptors begin at 3. */
async function activate(
  toml: string,
  options: { pid?: string; count?: number; init?: string } = {},
): Promise<Outcome> {
  const { argv, remove } = buildCommand({ toml, command: ["bash", "-c", show] });
  const { pid = "$$", count = 2 } = options;
  const script = `export LISTEN_PID=${pid} LISTEN_FDS=${count} LISTEN_FDNAMES=web:admin
    exec "$@" 3</etc/passwd 4</etc/group 5</etc/hostname`;
  try {
    const child = spawn("bash", ["-c", script, "bash", tsjail, ...argv], {
      cwd: "/",
      stdio: ["ignore", "pipe", "pipe"],
    });
    return await watch(child).ended;
  } finally {
    remove();
  }
}

const asked = `${hostTree}\n[process]\nlisten_fds = true\n`;

test("sockets pass through when the profile says so, with the command's own pid", async () => {
  const outcome = await activate(asked);
  assert.equal([outcome.status, outcome.stderr], [0, ""]);
  assert.is(outcome.stdout, "pid=2 LISTEN_PID=2 LISTEN_FDS=2 LISTEN_FDNAMES=web:admin\nopen 3\nopen 4\n");
});

test("without an init the pid is 1", async () => {
  const outcome = await activate(`${asked}init = false\n`);
  assert.is(
    outcome.stdout,
    "pid=1 LISTEN_PID=1 LISTEN_FDS=2 LISTEN_FDNAMES=web:admin\nopen 3\nopen 4\n",
    outcome.stderr,
  );
});

test("they don't when it does not say so, nor do the variables", async () => {
  const outcome = await activate(hostTree);
  assert.equal([outcome.status, outcome.stderr], [0, ""]);
  assert.is(outcome.stdout, "pid=2 LISTEN_PID= LISTEN_FDS= LISTEN_FDNAMES=\n");
});

test("they don't when they are meant for another process", async () => {
  const outcome = await activate(asked, { pid: "1" });
  assert.equal([outcome.status, outcome.stderr], [0, ""]);
  assert.not.match(outcome.stdout, /open|LISTEN_FDS=2/);
});
