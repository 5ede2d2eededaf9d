// Nothing that a plan is compiled from goes unnoted: every system call of a cold start that looks at a path. In: the
// shipped profiles, and one that uses everything. Out: looks without a fact, of which there are none but those with a
// reason. Variables, and how it stays so: sources.test.ts.
// time-limit: 180s
import { existsSync, readdirSync, readFileSync, realpathSync } from "node:fs";
import { dirname, relative } from "node:path";
import type { Plan } from "../../src/plan/operations.ts";
import { makeWorld, settle, type World } from "../cache/world.ts";
import * as assert from "../support/assert.ts";
import { hostPrograms } from "../support/jail.ts";
import { suite } from "../support/suite.ts";
import { lines, makeBox } from "./everything.ts";

const test = suite("facts: complete");

interface Seen {
  readonly call: string;
  readonly path: string;
}

const looking =
  /^(?:\d+ +)?(openat2?|open|statx|newfstatat|stat|lstat|access|faccessat2?|readlink|readlinkat|getxattr|lgetxattr)\((?:AT_FDCWD, )?"((?:[^"\\]|\\.)*)"/;

/** The paths that Node looks at, in the order in which it does: from its start until it becomes the executor. */
function traceNode(world: World, words: readonly string[], cwd: string): Seen[] {
  const prefix = world.at(`trace-${readdirSync(world.path).length}`);
  const through = ["strace", "-ff", "-qq", "-s", "4096", "-e", "trace=%file", "-o", prefix];
  const ending = world.start([...words, "/bin/true"], { through, cwd });
  assert.equal(ending, { status: 0, stdout: "", stderr: "" }, words.join(" "));
  const traces = readdirSync(world.path).flatMap((name) => {
    const lines = world.at(name).startsWith(`${prefix}.`)
      ? readFileSync(world.at(name), "utf8").split("\n")
      : [];
    const first = lines.findIndex((line) => /^execve\(".*\/node", .*\) = 0$/.test(line));
    const last = lines.findIndex((line) => line.startsWith("execve(") && line.includes('"--plan-fd"'));
    return first === -1 ? [] : [lines.slice(first, last)];
  });
  assert.is(traces.length, 1, "one Node");
  const seen = (traces[0] ?? []).flatMap((line): Seen[] => {
    const [, call = "", path = ""] = looking.exec(line) ?? [];
    return call === "" ? [] : [{ call, path }];
  });
  assert.ok(seen.length > 50, `strace has seen ${seen.length} looks`);
  return seen;
}

/** What Node itself looks at, whatever it runs. */
function traceEmptyNode(world: World): Set<string> {
  world.write("empty.cjs", "");
  const prefix = world.at("empty-trace");
  const { status } = world.start([world.at("empty.cjs")], {
    program: process.execPath,
    through: ["strace", "-f", "-qq", "-e", "trace=%file", "-o", prefix],
  });
  assert.is(status, 0);
  const paths = readFileSync(prefix, "utf8")
    .split("\n")
    .flatMap((line) => looking.exec(line)?.[2] ?? []);
  return new Set(paths);
}

/** Looks that no fact has to tell of. */
const reasons: Readonly<Record<string, (path: string, world: World) => boolean>> = {
  "our own program: its files have facts, and these only load it": (path, { at }) =>
    [at("pkg/package.json"), at("pkg/dist/package.json"), at("pkg/dist"), at("pkg")].includes(path),
  "where plans and V8's code are kept, and whose the way to it is (cache/store.ts)": (path, { at }) =>
    at("cache").startsWith(path) || path.startsWith(at("cache/tsjail")),
  // The second by glibc's malloc, when it gives memory back (malloc/arena.c).
  "this process": (path) => /^\/proc\/(self|\d+)\//.test(path) || path === "/proc/sys/vm/overcommit_memory",
  "of the kernel, which fact_machine names": (path) =>
    ["/proc/sys/kernel/cap_last_cap", "/proc/sys/kernel/osrelease", "/proc/sys/kernel/version"].includes(
      path,
    ),
  "a ./tsjail.toml that is not used, and that the jail couldn't write to (launch/own.ts)": (path, { at }) =>
    path === at("work/tsjail.toml"),
  // realpath(3): a profile's real path names the record of trust, and tells two of its ancestors apart. Both only for
  // files that have facts of their own.
  "on the way to a profile": (path, { path: base }) =>
    ["pkg/profiles", "work", "parts", "config", "config/tsjail", "trusted"].includes(relative(base, path)),
};

function explainsLook(path: string, plan: Plan): boolean {
  const paths = (op: string, isRight: (one: never) => boolean = () => true) =>
    new Set(
      plan.flatMap((one) => (one.op === op && isRight(one as never) ? [(one as { path: string }).path] : [])),
    );
  const known = new Set([...paths("fact_file"), ...paths("fact_kind"), ...paths("fact_link")]);
  const absent = paths("fact_kind", ({ kind }: { kind: string }) => kind === "absent");
  const listed = paths("fact_file");
  const isInNothing = (place: string): boolean =>
    place !== "/" &&
    (absent.has(place) || (listed.has(dirname(place)) && !existsSync(place)) || isInNothing(dirname(place)));
  return known.has(path) || listed.has(dirname(path)) || isInNothing(dirname(path));
}

test.needs("command:strace")(
  "every path that a cold start looks at has a fact, or a reason",
  { timeLimit: 150 },
  async (context) => {
    const used = new Set<string>();
    for (const [place, words] of lines) {
      const world = makeBox(context);
      const cwd = world.at(place);
      if (place === "trusted") assert.is(world.start(["trust"], { cwd }).status, 0);
      const empty = traceEmptyNode(world);
      await settle();
      const seen = traceNode(world, words, cwd);
      const { plan } = world.readKept();
      for (const { call, path } of seen) {
        if (empty.has(path) || explainsLook(path, plan)) continue;
        const fitting = Object.keys(reasons).filter((one) => reasons[one]?.(path, world));
        assert.ok(
          fitting.length > 0,
          `${words.join(" ")} in ${place}: ${call}(${path}) has no fact in the plan`,
        );
        for (const reason of fitting) used.add(reason);
      }
    }
    assert.equal(
      Object.keys(reasons).filter((one) => !used.has(one)),
      [],
      "reasons that nothing needs",
    );
  },
);

test("all that Node runs of ours is in files that have facts", async (context) => {
  const world = makeWorld(context, { "work/box.toml": hostPrograms });
  await settle();
  assert.is(world.start(["-p", "./box.toml", "/bin/true"]).status, 0);
  const { plan } = world.readKept();
  const paths = plan.flatMap((one) => (one.op === "fact_file" ? [one.path] : []));
  const executor = `pkg/dist/linux-${process.arch}/tsjail`;
  for (const name of ["pkg/dist/cli.cjs", "pkg/dist/run.cjs", executor])
    assert.ok(paths.includes(world.at(name)), name);
  assert.ok(paths.includes(realpathSync(process.execPath)), "Node");
});
