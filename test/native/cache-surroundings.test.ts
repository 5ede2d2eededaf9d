// What a command finds around it, in a start without Node: descriptors, signals, limits, variables. In: what a shell does
// before it starts tsjail. Out: the same as with Node. The words: cache.test.ts.
// time-limit: 120s
import { settle } from "../cache/world.ts";
import * as assert from "../support/assert.ts";
import { suite } from "../support/suite.ts";
import { makePlain, plain, startAll } from "./both.ts";

const test = suite("native/cache: surroundings");
const box = ["-p", "./box.toml"];

/** What Node changes for itself, or a start without it could forget. */
const surroundings: Readonly<Record<string, string>> = {
  "descriptors left open": "exec 3</dev/null 5</dev/null 9</dev/null",
  "no standard input": "exec 0<&-",
  "no standard error": "exec 2>&-",
  "no standard descriptors": "exec 0<&- 2>&-",
  "ignored signals": "trap '' HUP INT QUIT PIPE TERM USR1 XFSZ CHLD",
  "a low limit of open files": "ulimit -Sn 200",
  "a hard limit of open files": "ulimit -n 300",
  "other limits": "ulimit -c 0; ulimit -s 4096; ulimit -t 100",
  "an open umask": "umask 0",
  "a closed umask": "umask 077",
  "an environment with odd names": `export ONE=1; exec /usr/bin/env "1=x" "a b=c" "=d" "-x=y" "$0" "$@"`,
};
const look = `umask; ls /proc/self/fd; grep -E '^(Sig|Cap|Shd|NoNew|Seccomp|Uid|Gid|Groups)' /proc/self/status
cat /proc/self/limits /proc/self/oom_score_adj /proc/self/coredump_filter; env | grep -v ^XDG_CACHE_HOME`;

test("the command finds the same surroundings in a warm start", { timeLimit: 60 }, async (context) => {
  const world = makePlain(context);
  await settle();
  const line = [...box, "--set", "env.clear=false", "/bin/sh", "-c", look];
  for (const [what, script] of Object.entries(surroundings)) {
    const through = ["/bin/sh", "-c", `${script}; exec "$0" "$@"`];
    const { reference, last } = startAll(world, line, { through });
    assert.match(reference.stdout, "SigIgn", `${what}: ${JSON.stringify(reference)}`);
    assert.equal(last, reference, what);
  }
});

test("a descriptor that is asked for has to be open at every start", async (context) => {
  const world = makePlain(context);
  await settle();
  const line = [...box, "--fd", "3", "/bin/sh", "-c", "cat <&3"];
  const withFile = { through: ["/bin/sh", "-c", 'exec "$0" "$@" 3<./box.toml'] };
  const { reference, last } = startAll(world, line, withFile);
  assert.equal(last, reference);
  assert.is(last.stdout, plain);
  for (const number of [3, 4, 5, 6]) {
    const other = [...box, "--fd", String(number), "/bin/sh", "-c", `cat <&${number}`];
    world.start(other, { through: ["/bin/sh", "-c", `exec "$0" "$@" ${number}<./box.toml`] });
    const without = world.tryWarm(other);
    assert.equal([without.status, without.stdout], [125, ""], `not even the plan's own, as ${number}`);
    assert.match(without.stderr, "EBADF");
  }
});
