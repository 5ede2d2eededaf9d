// In: the sample failures of src/build. Out: that every explanation is reached, complete and to the point.
import fc from "fast-check";
import { allowing, hostMounts, makeFailure, operationSamples, type Sample } from "../../src/build/sample.ts";
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
    facts: { ...sample.facts, maxNamespaces: { ...allowing, user: known(0) } },
  });
  assert.is(nameExplanation(off.plan, off.report, off.facts), "userns_disabled");
});

test("a masked /proc is told with what masks it, the container's option and the profile's choice", () => {
  const text = tellFlat(find("proc_too_revealing"));
  assert.match(text, /covered by other mounts: \/proc\/acpi, \/proc\/kcore, \/proc\/sys/);
  assert.match(text, /docker run --security-opt systempaths=unconfined/);
  assert.match(text, /type = "bind" source = "\/proc" target = "\/proc" \[namespaces\] nested = true/);
});

test("nested = true is advised only where /proc/sys is covered or read-only, and the jail may not nest", () => {
  const sample = find("proc_too_revealing");
  const tellWith = (others: Sample["others"], ...mounts: object[]) =>
    tellFlat({ ...sample, others, facts: { mounts: known([...hostMounts, ...mounts]) as never } });
  const cover = (target: string, options = ["rw"]) => ({ target, root: "/", fstype: "proc", options });
  assert.not.match(tellWith(sample.others, cover("/proc/acpi")), /nested/);
  assert.match(tellWith(sample.others, cover("/proc/sys")), /nested = true/);
  assert.match(tellWith(sample.others, cover("/proc", ["ro"])), /nested = true/);
  assert.not.match(tellWith([], cover("/proc/sys")), /nested/);
});

test("a jail that can't be kept from nesting is told so, whatever stands in the way", () => {
  const sample = find("nesting_readonly");
  for (const [step, cause] of [
    ["fsmount", "EPERM"],
    ["openat2", "EXDEV"],
    ["openat2", "EROFS"],
  ] as const) {
    const failure = makeFailure({ ...sample, step, cause, facts: {} });
    assert.is(nameExplanation(failure.plan, failure.report, failure.facts), "nesting_readonly");
  }
  const text = tellFlat(sample);
  assert.match(text, /\/proc\/sys is read-only, or covered.*systempaths=unconfined.*nested = true/);
  assert.not.match(text, /belongs to the whole machine/);
  const other = makeFailure({ ...sample, operation: "sysctl", cause: "EACCES" });
  assert.is(nameExplanation(other.plan, other.report, other.facts), "sysctl_denied");
});

test("limits of 0 are named for the kinds that the jail has, with the keys to do without", () => {
  const sample = find("namespaces_disabled");
  const text = tellFlat(sample);
  assert.match(
    text,
    /Network and time namespaces are switched off on this machine: user\.max_net_namespaces and user\.max_time_namespaces are 0\./,
  );
  assert.match(text, /\[network\] mode = "host" \[namespaces\] time = "host"/);
  const facts = { maxNamespaces: { ...allowing, mount: known(0), net: known(0) } };
  assert.match(tellFlat({ ...sample, facts }), /user\.max_mnt_namespaces=15000/);
  assert.not.match(tellFlat({ ...sample, facts }), /do without/);
  const clone = { op: "clone", origin: "", namespaces: ["mount"] } as unknown as Operation;
  const without = makeFailure({
    ...sample,
    ...{ operation: clone, facts: { maxNamespaces: { ...allowing, net: known(0) } } },
  });
  assert.is(nameExplanation(without.plan, without.report, without.facts), "namespaces_exhausted");
});

test("openat2 is a filter's to refuse with EPERM, and a directory's where there is no filter", () => {
  const sample = find("openat2_filtered");
  const free = makeFailure({ ...sample, facts: {} });
  assert.is(nameExplanation(free.plan, free.report, free.facts), "mount_point_denied");
  const denied = makeFailure({ ...sample, cause: "EACCES" });
  assert.is(nameExplanation(denied.plan, denied.report, denied.facts), "mount_point_denied");
});

test("a filter around no known container may be a systemd unit's, and a container's is not", () => {
  const sample = find("userns_seccomp");
  assert.match(tellFlat(sample), /RestrictNamespaces=.*docker run .*systemctl show UNIT/);
  const inside = tellFlat({ ...sample, facts: { ...sample.facts, container: "podman" } });
  assert.match(inside, /\(podman\).*podman run --security-opt seccomp=unconfined/);
  assert.not.match(inside, /systemctl|docker run/);
});

test("the signal that killed init is told as a signal", () => {
  const text = tell(find("init_filtered"));
  assert.match(text, /the jail's init was killed by SIGSYS \(31\)\./);
  assert.match(text, /\(wait; init_died; SIGSYS \(31\)\)/);
  assert.not.match(text, /EMLINK/);
  assert.match(text, /grep type=1326/);
  assert.match(tellFlat({ ...find("init_died"), cause: "SIGHUP" }), /ended by SIGHUP \(1\) from outside/);
  assert.match(tell(find("init_died")), /the jail's init died\.[\s\S]*\(wait; init_died\)/);
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
