// Examines this machine. In: where the package is, the environment. Out: the rows of the report, in an order that
// puts causes before effects; commands/doctor.ts prints them.
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { TsjailError } from "../error.ts";
import { adviseRestricted, isRestricted } from "../explain/apparmor.ts";
import { explain } from "../explain/explain.ts";
import { type Facts, readFacts, readValue } from "../explain/facts.ts";
import { findLayerServer } from "../host/makers.ts";
import { findExecutor, type Package } from "../launch/find.ts";
import { trySystemCall } from "../native.ts";
import type { Operation } from "../plan/operations.ts";
import { parseReport } from "../plan/report.ts";
import { readVersion } from "../seccomp/libseccomp.ts";
import { checkCalls, checkLandlock, checkNamespaces, checkOvermounts, checkSurroundings } from "./kernel.ts";
import { checkLayerServer, checkLibseccomp, checkMachine } from "./machine.ts";
import {
  type Answer,
  defaultFilter,
  freshProc,
  freshSys,
  messageQueues,
  noNesting,
  overlay,
  type ProbeTools,
  privateTerminals,
  probeJail,
} from "./probe.ts";
import { bad, good, note, type Row, unknownRow } from "./row.ts";

export async function examine(from: Package): Promise<Row[]> {
  const { executor, row } = await lookForExecutor(from);
  const facts = readFacts({ environment: from.environment, executor });
  return [
    row,
    checkCalls(facts, trySystemCall),
    ...checkNamespaces(facts),
    ...checkSurroundings(facts),
    checkOvermounts(facts),
    ...probe(facts, executor),
    checkLandlock(trySystemCall),
    checkLayerServer(findLayerServer(from.environment)),
    checkLibseccomp(readVersion),
    ...checkMachine({ root: "/", path: from.environment.PATH ?? "", nodeVersion: process.version }),
  ];
}

async function lookForExecutor(from: Package): Promise<{ executor: string | undefined; row: Row }> {
  try {
    const executor = await findExecutor(from);
    return { executor, row: good("executor", `${executor}, version ${from.version}`) };
  } catch (error) {
    if (!(error instanceof TsjailError)) throw error;
    const why = [error.message, error.detail].filter((part) => part !== undefined).join(" ");
    return { executor: undefined, row: bad("executor", why, error.hint) };
  }
}

const mountable = "can be mounted in a jail";
const filterWorks = "can be filtered; the shipped policies need nothing else";
/** What the profile base begins with, one by one. */
const parts: readonly (readonly [subject: string, operation: Operation, works: string])[] = [
  ["a fresh /proc", freshProc, mountable],
  ["a fresh /sys", freshSys, mountable],
  ["no nesting", noNesting, "a jail can be kept from making user namespaces of its own"],
  ["message queues", messageQueues, mountable],
  ["terminals", privateTerminals, mountable],
  ...[defaultFilter() ?? []].flat().map((filter) => ["system calls", filter, filterWorks] as const),
];

function probe(facts: Facts, executor: string | undefined): Row[] {
  if (executor === undefined) {
    const why = "can't be tried without the executor";
    const subjects = ["a jail", "AppArmor", ...parts.map(([subject]) => subject), "overlay"];
    return subjects.map((subject) => unknownRow(subject, why));
  }
  const tools: ProbeTools = {
    executor,
    explain: (plan, words) => explain(plan, parseReport(words), facts),
  };
  const jail = probeJail(tools);
  const rows = [judgeJail(jail), judgeAppArmor(facts, jail)];
  // Where no jail starts at all, these would only repeat it.
  if (!jail.works) return rows;
  return [
    ...rows,
    ...parts.map(([subject, operation, works]) => judge(subject, probeJail(tools, [operation]), works, bad)),
    judge("overlay", probeOverlay(tools), mountable, note),
  ];
}

function judgeJail(answer: Answer): Row {
  const started = "one with all eight kinds of namespaces started and ended";
  if (answer.works) return good("a jail", `${started} in ${answer.milliseconds} ms`);
  return bad("a jail", answer.why, answer.fix);
}

/** By what works, not by the clone: Ubuntu lets that succeed and takes the capabilities away afterwards. */
function judgeAppArmor(facts: Facts, jail: Answer): Row {
  if (readValue(facts.apparmorRestrictUserns) !== true) {
    return good("AppArmor", "does not restrict user namespaces here");
  }
  if (jail.works) return good("AppArmor", "restricts user namespaces, and lets tsjail have its own");
  if (!isRestricted(facts)) return note("AppArmor", "restricts user namespaces, though not of this user");
  return bad("AppArmor", "restricts user namespaces, tsjail's too", adviseRestricted(facts));
}

function judge(subject: string, answer: Answer, works: string, otherwise: typeof bad): Row {
  return answer.works ? good(subject, works) : otherwise(subject, answer.why, answer.fix);
}

function probeOverlay(tools: ProbeTools): Answer {
  const directory = mkdtempSync(join(tmpdir(), "tsjail-doctor-"));
  try {
    for (const name of ["lower", "upper", "work"]) mkdirSync(join(directory, name));
    return probeJail(tools, [overlay(directory)]);
  } finally {
    // The kernel makes work/work with mode 0, which its owner may remove all the same.
    rmSync(directory, { recursive: true, force: true });
  }
}
