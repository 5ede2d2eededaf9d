// Probes with an executor that is a script: it gets the real plan, and says what the test wants.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { examine } from "../../src/doctor/examine.ts";
import {
  freshProc,
  noNesting,
  overlay,
  type ProbeTools,
  privateTerminals,
  probeJail,
} from "../../src/doctor/probe.ts";
import { isFit } from "../../src/doctor/row.ts";
import { TsjailError } from "../../src/error.ts";
import { namespaceFlags, planVersion, steps } from "../../src/plan/operations.ts";
import { decodePlan } from "../../src/plan/wire.ts";
import * as assert from "../support/assert.ts";
import { suite, type TestContext } from "../support/suite.ts";

const test = suite("doctor probe");

/** An executor that keeps its plan in the file `plan` beside it, and then does as told. */
function makeExecutor(
  { cleanup }: TestContext,
  script: string,
): ProbeTools & { readonly plan: () => Buffer } {
  const directory = mkdtempSync(join(tmpdir(), "tsjail-probe-"));
  cleanup(() => rmSync(directory, { recursive: true }));
  const executor = join(directory, "tsjail");
  const text = `#!/bin/sh
if [ "$1" = --version ]; then echo "tsjail-executor 0.1.0 plan ${planVersion}"; exit; fi
/bin/cat <&3 > ${directory}/plan
${script}
`;
  writeFileSync(executor, text, { mode: 0o755 });
  const explain: ProbeTools["explain"] = (plan, words) =>
    new TsjailError("start_failed", `${plan[Number(words[3])]?.op} failed`, { hint: words.join(" ") });
  return { executor, explain, plan: () => readFileSync(join(directory, "plan")) };
}

const works = `echo "tsjail-executor 0.1.0 plan ${planVersion}"`;

test("a jail that starts works, and its plan is a valid one", (context) => {
  const tools = makeExecutor(context, works);
  const answer = probeJail(tools, [freshProc, noNesting, privateTerminals, overlay("/somewhere")]);
  assert.is(answer.works, true);
  const plan = decodePlan(tools.plan());
  const mounts = plan.flatMap((operation) => (operation.op === "mount" ? [operation.fstype] : []));
  assert.equal(mounts, ["proc", "devpts", "overlay"]);
});

test("a jail that fails is explained from the executor's report", (context) => {
  const words = `--plan-fd 3 --op 4 --step ${steps.indexOf("write")} --reason 0 --errno 1`;
  const answer = probeJail(makeExecutor(context, `printf '%s\\n' ${words}; exit 125`));
  assert.is(answer.works, false);
  assert.is(answer.works ? "" : answer.why, "uid_map failed");
  assert.is(answer.works ? "" : answer.fix, words);
});

test("its jail has every namespace that the profile base has", (context) => {
  const tools = makeExecutor(context, works);
  probeJail(tools);
  const clone = decodePlan(tools.plan()).find(({ op }) => op === "clone");
  const all = Object.keys(namespaceFlags).sort();
  assert.equal(clone?.op === "clone" ? [...clone.namespaces].sort() : [], all);
});

test("the doctor doesn't send people to the doctor", (context) => {
  const words = `--plan-fd 3 --op 2 --step ${steps.indexOf("clone3")} --reason 0 --errno 1`;
  const tools = makeExecutor(context, `printf '%s\\n' ${words}; exit 125`);
  const explain = () =>
    new TsjailError("start_failed", "No.", { hint: "Look:\n  tsjail doctor\n  sudo dmesg | tail" });
  const answer = probeJail({ ...tools, explain });
  assert.is(answer.works ? "" : answer.fix, "Look:\n  sudo dmesg | tail");
});

test("an executor that only complains, or says nothing, doesn't work either", (context) => {
  const loud = probeJail(makeExecutor(context, "echo no way >&2; exit 125"));
  assert.equal(loud, { works: false, why: "no way", fix: undefined });
  const mute = probeJail(makeExecutor(context, "exit 3"));
  assert.equal(mute, { works: false, why: "the executor ended with status 3", fix: undefined });
});

const examineWith = (executor: string | undefined) =>
  examine({
    packageDirectory: "/nowhere",
    version: "0.1.0",
    environment: executor === undefined ? { PATH: "" } : { PATH: "", TSJAIL_EXECUTOR: executor },
    front: undefined,
  });

const base = ["a fresh /proc", "a fresh /sys", "no nesting", "message queues", "terminals"];

test("a part of the profile base that the machine refuses makes it unfit, alone", async (context) => {
  const words = `--plan-fd 3 --op 10 --step ${steps.indexOf("fsmount")} --reason 0 --errno 1`;
  for (const [part, word] of [
    ["a fresh /sys", "sysfs"],
    ["message queues", "mqueue"],
    ["no nesting", "user.max_user_namespaces"],
  ] as const) {
    const refuse = `if /bin/grep -qa ${word} "\${0%/*}/plan"; then printf '%s\\n' ${words}; exit 125; fi`;
    const rows = await examineWith(makeExecutor(context, `${refuse}\n${works}`).executor);
    const judged = rows.filter(({ subject }) => ["a jail", ...base].includes(subject));
    assert.equal(
      judged.filter(({ outcome }) => outcome !== "good").map(({ subject }) => subject),
      [part],
    );
    assert.is(isFit(rows), false);
  }
});

test("with an executor that works there are rows for all that was tried", async (context) => {
  const rows = await examineWith(makeExecutor(context, works).executor);
  const outcomes = new Map(rows.map(({ subject, outcome }) => [subject, outcome]));
  for (const subject of ["executor", "a jail", ...base, "overlay"]) {
    assert.is(outcomes.get(subject), "good", subject);
  }
  assert.is(new Set(rows.map(({ subject }) => subject)).size, rows.length);
});

test("where no jail starts, the reason is given once, and the machine is unfit", async (context) => {
  const words = `--plan-fd 3 --op 2 --step ${steps.indexOf("clone3")} --reason 0 --errno 1`;
  const rows = await examineWith(makeExecutor(context, `printf '%s\\n' ${words}; exit 125`).executor);
  const jail = rows.find(({ subject }) => subject === "a jail");
  assert.is(jail?.outcome, "bad");
  assert.match(jail?.why ?? "", /clone3/);
  assert.is(
    rows.some(({ subject }) => subject === "a fresh /proc"),
    false,
  );
  assert.is(isFit(rows), false);
});

test("without an executor that is the failure, and what needs it is unknown", async () => {
  const rows = await examineWith(undefined);
  const outcomes = new Map(rows.map(({ subject, outcome }) => [subject, outcome]));
  assert.is(outcomes.get("executor"), "bad");
  assert.is(outcomes.get("a jail"), "unknown");
  assert.is(isFit(rows), false);
});
