// Pid 1 of the jail: it reaps, it shows nothing of the caller, and with it everything ends. Without it the command is
// pid 1 itself. In: the executor on a small plan.
import * as assert from "../support/assert.ts";
import { runExecutor, startExecutor } from "../support/executor.ts";
import { findLeft, makeMarker, pause, readField, until, watch } from "../support/process.ts";
import { suite } from "../support/suite.ts";

const test = suite("init").needs("userns", "command:cc");

const run = async (script: string, wish?: Parameters<typeof runExecutor>[1]): Promise<string> => {
  const outcome = await runExecutor(["sh", "-c", script], wish);
  assert.equal([outcome.status, outcome.stderr], [0, ""]);
  return outcome.stdout;
};

const countZombies = "grep -ls '^State:.Z' /proc/[0-9]*/status | wc -l";

test("pid 1 is tsjail's init and the command is its child", async () => {
  assert.equal((await run("echo $$ $PPID; cat /proc/1/comm")).split("\n"), ["2 1", "tsjail", ""]);
});

test("without an init the command is pid 1", async () => {
  const out = await run("echo $$ $PPID; cat /proc/1/comm", { supervise: { flags: ["die_with_parent"] } });
  assert.equal(out.split("\n"), ["1 0", "sh", ""]);
});

test("orphans are reaped by init", async () => {
  const script = `for i in 1 2 3 4 5 6 7 8 9 10; do (sleep 0.1 &); done; sleep 0.6; ${countZombies}; set -- /proc/[0-9]*; echo $#`;
  const [zombies, processes] = (await run(script)).split("\n").map(Number);
  // Init and the shell, which counts by itself.
  assert.equal([zombies, processes], [0, 2]);
});

test("without an init, and a command that does not reap, orphans stay zombies", async () => {
  // The twin of the one above: it counts what the other says is not there.
  const perl = `for (1..3) { if (!fork) { if (!fork) { select undef, undef, undef, 0.1 } exit } } sleep 1; print grep { /^State:\\tZ/m } map { local (@ARGV, $/) = $_; <> } glob "/proc/[0-9]*/status"`;
  const outcome = await runExecutor(["perl", "-e", perl], { supervise: { flags: [] } });
  assert.match(outcome.stdout, /State:\tZ/);
});

test("a daemon that has forked twice, and has a session of its own, ends with the command", async () => {
  const marker = makeMarker();
  const jail = watch(
    startExecutor(
      [
        "bash",
        "-c",
        `(setsid sh -c 'sleep 300; : ${marker}' </dev/null >/dev/null 2>&1 &); echo started; read`,
      ],
      {
        stdio: ["pipe", "pipe", "pipe"],
      },
    ),
  );
  await jail.waitFor("started");
  await until(() => findLeft(`sleep 300; : ${marker}`).length > 1, "the daemon to be seen");
  jail.child.stdin?.end("\n");
  assert.is((await jail.ended).status, 0);
  assert.equal(findLeft(marker), []);
});

test("without a pid namespace the jail's end is everybody's end too", async () => {
  const marker = makeMarker();
  const script = `(setsid sh -c 'sleep 300; : ${marker}' </dev/null >/dev/null 2>&1 &); (setsid setsid sleep 301 >/dev/null 2>&1 &); sleep 0.3; echo $$; exit 9`;
  const outcome = await runExecutor(["sh", "-c", script], {
    namespaces: ["mount", "uts", "ipc", "net", "cgroup"],
  });
  assert.is(outcome.status, 9);
  assert.ok(Number(outcome.stdout) > 2, "the pid is one of the host's");
  assert.equal(findLeft(marker), []);
});

test("the output ends when the command closes it, not when the jail ends", async () => {
  const child = startExecutor(["sh", "-c", "echo last; exec >/dev/null 2>&1; sleep 30"], {
    stdio: ["ignore", "pipe", "ignore"],
  });
  const jail = watch(child);
  const begin = performance.now();
  await new Promise((resolve) => child.stdout?.once("end", resolve));
  assert.ok(performance.now() - begin < 10_000, "someone of tsjail's held the pipe");
  assert.is(child.exitCode, null);
  child.kill("SIGTERM");
  assert.equal([(await jail.ended).status, jail.stdout()], [143, "last\n"]);
});

test("the jail ends with the command although a child of it holds the output", async () => {
  const outcome = await runExecutor(["sh", "-c", "sleep 30 & echo done"]);
  assert.equal([outcome.status, outcome.stdout], [0, "done\n"]);
});

test("init shows nothing of the caller: neither its words and variables nor its descriptors", async () => {
  const marker = makeMarker();
  const script = `tr '\\0' ' ' </proc/1/cmdline; cat /proc/1/environ; for link in exe root cwd fd/0 fd/3 fd/4 ns/pid; do
    readlink /proc/1/$link && echo "shown: $link"; done; ls /proc/1/map_files; readlink /proc/$$/exe`;
  const outcome = await runExecutor(["sh", "-c", script, marker], {
    env: { ...process.env, SECRET: marker },
  });
  assert.not.match(outcome.stdout, marker);
  assert.match(outcome.stdout, /^tsjail *\/usr\/bin\/\w+\n$/);
  assert.match(outcome.stderr, /environ: Permission denied/);
});

test("init has no capability either, and gets none again", async () => {
  const status = await run("sleep 0.1; cat /proc/1/status");
  for (const set of ["CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"]) {
    assert.is(readField(status, set), "0000000000000000", set);
  }
  assert.is(readField(status, "NoNewPrivs"), "1");
});

test("init can't be ended, stopped or traced by the command; its own child can", async () => {
  const script =
    "kill -KILL 1; kill -TERM 1; kill -STOP 1; sleep 0.2; grep State: /proc/1/status; sleep 9 & kill -KILL $!; wait $! 2>/dev/null; echo $?";
  assert.match(await run(script), /^State:\tS \(sleeping\)\n137\n$/);
});

test("init sleeps: a jail that does nothing costs no processor time", async () => {
  const script = "cut -d' ' -f14,15 /proc/1/stat; sleep 1; cut -d' ' -f14,15 /proc/1/stat";
  const [before, after] = (await run(script)).split("\n");
  assert.is(after, before);
});

test("a command that ends while its parent is still starting is not missed", { timeLimit: 60 }, async () => {
  for (let i = 0; i < 50; i++) assert.is((await runExecutor(["true"])).status, 0);
});

test("a stopped jail waits and goes on", async () => {
  const jail = watch(
    startExecutor(["sh", "-c", "echo ready; sleep 0.2; kill -STOP $$; echo went on; exit 4"]),
  );
  await jail.waitFor("ready");
  await pause(600);
  assert.is(jail.child.exitCode, null);
  jail.child.kill("SIGCONT");
  assert.equal([(await jail.ended).status, jail.stdout()], [4, "ready\nwent on\n"]);
});
