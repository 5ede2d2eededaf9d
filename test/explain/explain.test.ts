// In: the sample failures of src/build. Out: that every explanation is reached, complete and to the point.
import fc from "fast-check";
import { makeFailure, operationSamples, type Sample } from "../../src/build/sample.ts";
import { chapters } from "../../src/build/samples.ts";
import { formatError } from "../../src/error.ts";
import { explain, nameExplanation, rules } from "../../src/explain/explain.ts";
import { known } from "../../src/explain/facts.ts";
import { type Operation, type Reason, reasons, type Step, steps } from "../../src/plan/operations.ts";
import { encodePlan } from "../../src/plan/wire.ts";
import * as assert from "../support/assert.ts";
import { suite } from "../support/suite.ts";

const test = suite("explain/explain");
const samples = chapters.flatMap((chapter) => chapter.samples);

function tell(sample: Sample): string {
  const { plan, report, facts } = makeFailure(sample);
  return formatError(explain(plan, report, facts));
}

/** Without line breaks, which depend on the length of names. */
const tellFlat = (sample: Sample): string => tell(sample).replace(/\s+/g, " ");

const find = (name: string): Sample => {
  const sample = samples.find((each) => each.name === name);
  if (sample === undefined) throw new Error(`no sample ${name}`);
  return sample;
};

for (const sample of samples) {
  const what = typeof sample.operation === "object" ? sample.operation.op : (sample.operation ?? "the start");
  test(`${sample.cause} of ${sample.step} in ${what} is explained as ${sample.name}`, () => {
    const { plan, report, facts } = makeFailure(sample);
    assert.is(nameExplanation(plan, report, facts), sample.name);
    const error = explain(plan, report, facts);
    assert.match(error.message, /^[A-Z].*\.$/s);
    assert.ok((error.detail ?? "").length > 20, "it says why");
    assert.ok((error.hint ?? "").length > 10, "it says what to do");
    for (const line of formatError(error).split("\n")) assert.not.match(line, /undefined|\[object|NaN| {2}$/);
  });
}

test("every rule has a name of its own and a sample that leads to it", () => {
  const names = rules.map(({ name }) => name);
  assert.equal(new Set(names).size, names.length);
  assert.equal(
    names.filter((name) => !samples.some((sample) => sample.name === name)),
    [],
  );
  assert.is(new Set(samples.map(({ name }) => name)).size, samples.length);
});

test("the plans of the samples are valid", () => {
  for (const sample of samples) assert.ok(encodePlan(makeFailure(sample).plan), sample.name);
});

test("whatever is reported of any operation, the message has the operation, the step, the errno and its text", () => {
  const reportOf = fc.record({
    operation: fc.constantFrom(...operationSamples),
    step: fc.constantFrom(...steps.filter((step) => step !== "none")) as fc.Arbitrary<Step>,
    reason: fc.constantFrom(...reasons) as fc.Arbitrary<Reason>,
    errno: fc.integer({ min: 0, max: 140 }),
  });
  fc.assert(
    fc.property(reportOf, ({ operation, step, reason, errno }) => {
      const { plan, report, facts } = makeFailure({ name: "", operation, step, cause: "EPERM" });
      const error = explain(plan, { ...report, reason, errno }, facts);
      const text = formatError(error);
      assert.ok(text.includes(operation.op) && text.includes(step), text);
      if (errno > 0) assert.match(text, new RegExp(`\\(${errno}\\)`));
      if (operation.origin.includes(" in ")) assert.match(text, /asked for by/);
      assert.not.match(text, /undefined|\[object/);
    }),
  );
});

test("an operation that the plan doesn't have still gives a whole message", () => {
  const { plan, report, facts } = makeFailure(find("unknown"));
  const error = explain(plan, { ...report, op: 999 }, facts);
  assert.match(
    error.message,
    /Can't start the jail: open_tree failed with EBADF \(9\): bad file descriptor\./,
  );
  assert.match(error.detail ?? "", /operation 999, which the plan doesn't have/);
});

test("a missing source names the path, the key and its line, and how to do without", () => {
  assert.is(
    tell(find("source_missing")),
    [
      "Can't show /srv/data at /data in the jail: open_tree failed with ENOENT (2): no such file or directory.",
      "  asked for by mount[1] in dev.toml:22",
      "  /srv/data doesn't exist on this machine.",
      "  (operation 24 of the plan: bind; open_tree; ENOENT (2))",
      "  hint: Create it, correct the path, or write `optional = true` for this mount in the profile: it is then",
      "        passed over.",
    ].join("\n"),
  );
});

test("on Ubuntu the hint is a profile for the executor, and the sysctl for everybody", () => {
  const text = tell(find("apparmor_restriction"));
  assert.match(
    text,
    /'profile tsjail "\/usr\/lib\/node_modules\/@tsjail\/linux-x64\/tsjail" flags=\(unconfined\) \{' ' {2}userns,'/,
  );
  assert.match(text, /sudo apparmor_parser -r \/etc\/apparmor\.d\/tsjail/);
  assert.match(text, /sudo sysctl -w kernel\.apparmor_restrict_unprivileged_userns=0/);
});

test("Ubuntu's restriction is not blamed where tsjail is privileged, or where user namespaces are off", () => {
  const sample = find("apparmor_restriction");
  const privileged = find("map_outside").facts ?? {};
  const { plan, report, facts } = makeFailure({ ...sample, facts: { ...sample.facts, ...privileged } });
  assert.is.not(nameExplanation(plan, report, facts), "apparmor_restriction");
  const off = makeFailure({
    ...find("userns_disabled"),
    facts: { ...sample.facts, maxUserNamespaces: known(0) },
  });
  assert.is(nameExplanation(off.plan, off.report, off.facts), "userns_disabled");
});

test("a masked /proc is told with what masks it, the container's option and the profile's choice", () => {
  const text = tellFlat(find("proc_too_revealing"));
  assert.match(text, /covered by other mounts: \/proc\/acpi, \/proc\/kcore, \/proc\/sys/);
  assert.match(text, /docker run --security-opt systempaths=unconfined/);
  assert.match(text, /type = "bind" source = "\/proc" target = "\/proc"/);
});

test("a fresh sysfs beside the host's network is a matter of the profile, not of the machine", () => {
  const sample = find("namespace_not_owned");
  assert.match(tellFlat(sample), /keeps the host's \(network\.mode\)/);
  const own = makeFailure({ ...sample, others: [], step: "fsmount" });
  assert.is(nameExplanation(own.plan, own.report, own.facts), "sysfs_too_revealing");
});

test("paths from a hostile profile can't move the cursor", () => {
  const operation: Operation = {
    ...{
      op: "bind",
      origin: "x",
      source: "/a\u001b[2J\n/b",
      target: "/a",
      flags: [],
      set: [],
      propagation: "none",
    },
  };
  const text = tell({ name: "", operation, step: "open_tree", cause: "ENOENT" });
  assert.match(text, /"\/a\\x1b\[2J\\n\/b"/);
  assert.not.match(text, /\u001b/);
});
