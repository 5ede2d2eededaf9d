// A failed start, explained: what failed and where, why in this place, what to do. In: the plan, the executor's
// report, the facts. Out: the TsjailError that cli.ts prints. One table of rules for each concern; the first fits.
import { type Origin, TsjailError } from "../error.ts";
import { quoteWord } from "../plan/escape.ts";
import type { Plan, Reason } from "../plan/operations.ts";
import type { Report } from "../plan/report.ts";
import { confinementRules, restrictionRules } from "./apparmor.ts";
import { bindRules } from "./binds.ts";
import { findErrno, formatErrno } from "./errno.ts";
import { explainExecution } from "./execution.ts";
import { executorRules, kernelRules } from "./executor.ts";
import type { Facts } from "./facts.ts";
import { filesystemRules } from "./filesystems.ts";
import { idmapRules } from "./idmap.ts";
import { formatSignal } from "./init.ts";
import { landlockRules } from "./landlock.ts";
import { wrapText } from "./layout.ts";
import { namespaceRules } from "./namespaces.ts";
import { parseOrigin } from "./origin.ts";
import { overlayRules } from "./overlays.ts";
import { pivotRules } from "./pivots.ts";
import { findCommand } from "./program.ts";
import { adviseCommands, type Failure, findRule, type Rule, writeText } from "./rule.ts";
import { seccompRules } from "./seccomp.ts";
import { serverRules } from "./server.ts";
import { settingRules } from "./settings.ts";
import { nameSubject } from "./subject.ts";
import { workdirRules } from "./workdir.ts";

/** From the most particular to the most general; those that are `last` come after all others. */
export const rules: readonly Rule[] = [
  ...executorRules,
  ...landlockRules,
  ...seccompRules,
  ...kernelRules,
  ...confinementRules,
  ...restrictionRules,
  ...namespaceRules,
  ...idmapRules,
  ...serverRules,
  ...overlayRules,
  ...filesystemRules,
  ...bindRules,
  ...pivotRules,
  ...workdirRules,
  ...settingRules,
];

/** What a reason adds to the subject, in place of an errno that would mislead. */
const reasonWords: Readonly<Record<Exclude<Reason, "errno">, string>> = {
  mount_point_missing: "its mount point is missing",
  wrong_kind: "it and its mount point are of different kinds",
  wrong_device: "it is not the device that its name promises",
  not_procfs: "what is mounted on /proc is no procfs",
  out_of_order: "the plan is out of order",
  init_died: "the jail's init died",
  credentials: "credentials are not what they should be",
  outside_root: "the working directory is outside the jail's root",
  setuid: "the executor is privileged",
  malformed: "the plan is malformed",
  no_command: "there is no command",
  no_pty: "the jail has no terminal to give",
  server_ended: "fuse-overlayfs has ended",
  other_maker: "the layer is the kernel's",
};

/** Which explanation fits, by its name in docs/errors.md; "unknown" for none. */
export function nameExplanation(plan: Plan, report: Report, facts: Facts): string {
  const failure = describeFailure(plan, report, facts);
  return explainExecution(failure)?.name ?? findRule(rules, failure)?.name ?? "unknown";
}

/** The whole message about a start that failed. Never throws; what no rule knows is told as the kernel told it. */
export function explain(plan: Plan, report: Report, facts: Facts): TsjailError {
  const failure = describeFailure(plan, report, facts);
  const origin = findOrigin(failure);
  const place = formatPlace(failure);
  const execution = explainExecution(failure);
  if (execution !== undefined) {
    return new TsjailError(execution.code, `${execution.message}: ${formatErrno(report.errno)}.`, {
      origin,
      detail: `${wrapText(execution.why, 100)}\n${place}`,
      hint: execution.fix === undefined ? undefined : wrapText(execution.fix, 100),
    });
  }
  const rule = findRule(rules, failure) ?? unknownRule;
  const fix = rule.fix === undefined ? undefined : writeText(rule.fix, failure);
  return new TsjailError(
    rule.code ?? (isExecution(failure) ? "command_not_executable" : "start_failed"),
    `Can't ${describeSubject(failure)}: ${formatCause(failure)}.`,
    {
      origin,
      detail: `${wrapText(writeText(rule.why, failure), 100)}\n${place}`,
      hint: fix === undefined ? undefined : wrapText(fix, 100),
    },
  );
}

/** A command on the command line replaces the plan's own. */
function findOrigin({ operation, report }: Failure): Origin | undefined {
  const isReplaced = operation?.op === "command" && (report.command ?? []).length > 0;
  return isReplaced ? { file: "command line", key: "the command" } : parseOrigin(operation?.origin ?? "");
}

const unknownRule: Rule = {
  name: "unknown",
  why: "tsjail knows of no particular reason for this; the kernel gave no other than the one above.",
  fix: adviseCommands(
    "See what the machine permits, and what the kernel has noted:",
    "tsjail doctor",
    "sudo dmesg | tail",
  ),
};

function describeFailure(plan: Plan, report: Report, facts: Facts): Failure {
  const operation = report.op < 0 ? undefined : plan[report.op];
  // Of a dead init it is a signal, of a server its exit status.
  const isErrno = report.errno !== 0 && report.reason !== "init_died" && report.reason !== "server_ended";
  const errno = isErrno ? findErrno(report.errno).name : "none";
  return { plan, report, facts, operation, errno };
}

/** What became of the command has a status of its own, 126, whatever the errno was. */
function isExecution({ operation, report }: Failure): boolean {
  return operation?.op === "command" && report.step === "execve" && report.reason === "errno";
}

/** With the command's name, which the plan may not have. */
function describeSubject(failure: Failure): string {
  const name = isExecution(failure) ? findCommand(failure)[0] : undefined;
  return name === undefined ? nameSubject(failure.operation) : `execute ${quoteWord(name)} in the jail`;
}

function formatCause({ report }: Failure): string {
  const signal = formatSignal(report);
  if (signal !== undefined) return `the jail's init was killed by ${signal}`;
  if (report.reason !== "errno") return reasonWords[report.reason];
  const step = report.step === "none" ? "it" : report.step;
  return report.errno === 0 ? `${step} failed` : `${step} failed with ${formatErrno(report.errno)}`;
}

/** "(operation 12 of the plan: bind; openat2; ENOENT (2))": what a report of a bug needs. */
function formatPlace({ operation, plan, report, errno }: Failure): string {
  // As `tsjail plan` counts, which doesn't print what a plan was compiled from.
  const facts = plan.filter(({ op }) => op.startsWith("fact_")).length;
  const parts =
    operation === undefined ? [] : [`operation ${report.op - facts} of the plan: ${operation.op}`];
  if (operation === undefined && report.op >= 0)
    parts.push(`operation ${report.op}, which the plan doesn't have`);
  if (report.step !== "none") parts.push(report.step);
  if (report.reason !== "errno") parts.push(report.reason);
  const signal = formatSignal(report);
  if (signal !== undefined) parts.push(signal);
  else if (report.reason === "server_ended") parts.push(`exit status (${report.errno})`);
  else if (report.errno !== 0) parts.push(`${errno} (${report.errno})`);
  return parts.length === 0 ? "(no operation)" : `(${parts.join("; ")})`;
}
