// The executor's own words for a start that failed, where no explainer is: a shipped plan, or a Node that is gone.
// In: plans that fail at one operation or another. Out: one line that names the operation, what it was about, who
// asked for it, and the cause. With an explainer: fail.test.ts.
import { findErrno } from "../../src/explain/errno.ts";
import { type Operation, operations, type Plan } from "../../src/plan/operations.ts";
import { encodePlan } from "../../src/plan/wire.ts";
import * as assert from "../support/assert.ts";
import { bind, makePlan, mount } from "../support/executor.ts";
import { suite } from "../support/suite.ts";
import { alter, type Failing, failures, origin } from "./failures.ts";
import { runBytes } from "./run.ts";

const all = suite("native/terse");
const test = all.needs("userns");

function makeFailing({ change, ...wish }: Failing, explain: readonly string[] = []): Plan {
  const plan = [...makePlan({ ...wish, explain })];
  change?.(plan);
  return plan;
}

const tell = (failing: Failing, words = failing.words ?? ["true"]) =>
  runBytes(encodePlan(makeFailing(failing)), words);

/** The paths of an operation, or its first text, control characters replaced. */
function describe(operation: Operation, words: readonly string[]): string {
  const fields = Object.entries(operations[operation.op].fields) as [string, { type: string }][];
  const valuesOf = (kind: string) =>
    fields
      .filter(([, { type }]) => type === kind)
      .map(([name]) => (operation as Record<string, unknown>)[name]);
  const paths = [...new Set(valuesOf("path"))];
  const texts = operation.op === "command" ? words.slice(0, 1) : valuesOf("string").slice(0, 1);
  const subject = (paths.length > 0 ? paths : texts).join(" -> ").replace(/[\0-\x1f\x7f]/g, "?");
  return subject === "" ? operation.op : `${operation.op} ${subject}`;
}

for (const [what, failing] of Object.entries(failures)) {
  test(`names ${what}`, () => {
    const { op, step, reason = "errno", errno = 0, words = ["true"] } = failing;
    const plan = makeFailing(failing);
    const { stderr } = runBytes(encodePlan(plan), words);
    const cause =
      reason === "errno" ? `errno ${errno} (${findErrno(errno).name})` : reason.replaceAll("_", " ");
    const lines = plan
      .filter((one) => one.op === op)
      .map(
        (one) =>
          `tsjail: ${describe(one, words)} (${op === "command" ? "command line" : one.origin}) failed: ${step}: ${cause}\n`,
      );
    assert.ok(lines.includes(stderr), `${stderr} is none of\n${lines.join("")}`);
  });
}

test("reads like this", () => {
  const lines = [
    tell({ jail: [{ ...bind("/srv/no data", "/srv/no data"), origin: "files.read[0] in x.toml:3" }] }),
    tell({ jail: [bind("/nowhere", "/x")] }),
    tell({ jail: [mount("tmpfs", "/scratch", ["size=much"])] }),
    tell({ workdir: "/no/where" }),
    tell({}, ["no-such-command", "--option"]),
    tell({ jail: [bind("/usr", "/usr/no/such/place")] }),
  ];
  assert.equal(
    lines.map(({ stderr }) => stderr),
    [
      "tsjail: bind /srv/no data (files.read[0] in x.toml:3) failed: open_tree: errno 2 (ENOENT)\n",
      "tsjail: bind /nowhere -> /x (a test) failed: open_tree: errno 2 (ENOENT)\n",
      "tsjail: mount /scratch (a test) failed: fsconfig: errno 22 (EINVAL)\n",
      "tsjail: workdir /no/where (a test) failed: chdir: errno 2 (ENOENT)\n",
      "tsjail: command no-such-command (command line) failed: execve: errno 2 (ENOENT)\n",
      "tsjail: bind /usr -> /usr/no/such/place (a test) failed: mkdirat: mount point missing\n",
    ],
  );
});

test("says the same where the explainer can't be started", () => {
  const change = alter("workdir", { path: "/nowhere", origin });
  for (const explain of [[], ["/no/such/explainer"], [""]]) {
    const run = runBytes(encodePlan(makeFailing({ change }, explain)), ["true"]);
    assert.is(run.stderr, `tsjail: workdir /nowhere (${origin}) failed: chdir: errno 2 (ENOENT)\n`);
    assert.is(run.status, 125);
  }
});

test("is one line that leaves a terminal alone, whatever is in the plan", () => {
  const evil = "/a\nb\x1b[2J\x7f\r\tc";
  const { stderr } = tell({ jail: [{ ...bind(evil, "/x"), origin: "read\x1b]0;x\x07 in \n" }] });
  assert.is(
    stderr,
    "tsjail: bind /a?b?[2J???c -> /x (read?]0;x? in ?) failed: open_tree: errno 2 (ENOENT)\n",
  );
});

test("keeps the cause where paths and origins are long", () => {
  const long = `/${"long/".repeat(700)}`;
  const { stderr } = tell({ jail: [{ ...bind(long, `${long}x`), origin: "o".repeat(5000) }] });
  assert.match(
    stderr,
    /^tsjail: bind \/(long\/)+.*\.\.\. -> \/(long\/)+.*\.\.\. \(o+\.\.\.\) failed: open_tree: errno 2 \(ENOENT\)\n$/,
  );
  assert.ok(stderr.length < 1000);
});

all.needs("root", "userns")("gives an errno beyond its table by its number", () => {
  // An id that is not mapped can own no file: EOVERFLOW.
  const { stderr } = tell({ change: alter("uid_map", { map: "0 5 1\n" }) });
  assert.is(stderr, "tsjail: stage (a test) failed: mkdirat: errno 75\n");
});
