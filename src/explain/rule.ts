// How an explanation is written down: when it applies, why the thing failed, what to do about it.
// In: a failure. Out: the first rule that fits; next are the tables, and explain.ts which asks them.
import type { ErrorCode } from "../error.ts";
import type { Operation, OperationName, Plan, Reason, Step } from "../plan/operations.ts";
import type { Report } from "../plan/report.ts";
import type { Facts } from "./facts.ts";

export interface Failure {
  readonly plan: Plan;
  readonly report: Report;
  readonly facts: Facts;
  /** The failed operation; undefined where there is none. */
  readonly operation: Operation | undefined;
  /** The errno's name, "EPERM"; "none" where there is none. */
  readonly errno: string;
}

type Text = string | ((failure: Failure) => string);

/** What isn't given fits everything, apart from the reason, which is `errno` unless given. */
export interface Rule {
  /** Unique; the name of the explanation in docs/errors.md and in tests. */
  readonly name: string;
  readonly ops?: readonly OperationName[];
  readonly steps?: readonly Step[];
  readonly errnos?: readonly string[];
  readonly reasons?: readonly Reason[];
  readonly when?: (failure: Failure) => boolean;
  /** Asked only when no other fits. */
  readonly last?: true;
  /** What the error is called; default `start_failed`. */
  readonly code?: ErrorCode;
  readonly why: Text;
  readonly fix?: Text;
}

/** The first rule that fits, or the first of the last ones. */
export function findRule(rules: readonly Rule[], failure: Failure): Rule | undefined {
  const fitting = rules.filter((rule) => fits(rule, failure));
  return fitting.find(({ last }) => last === undefined) ?? fitting[0];
}

function fits(rule: Rule, failure: Failure): boolean {
  const { ops, steps, errnos, reasons = ["errno"], when } = rule;
  const { report, operation, errno } = failure;
  if (!reasons.includes(report.reason)) return false;
  if (ops !== undefined && (operation === undefined || !ops.includes(operation.op))) return false;
  if (steps !== undefined && !steps.includes(report.step)) return false;
  if (errnos !== undefined && !errnos.includes(errno)) return false;
  return when === undefined || when(failure);
}

export function writeText(text: Text, failure: Failure): string {
  return typeof text === "string" ? text : text(failure);
}

/** Lines of a hint: a sentence, and commands to copy, set off by two blanks. */
export function adviseCommands(sentence: string, ...commands: readonly string[]): string {
  return [sentence, ...commands.map((command) => `  ${command}`)].join("\n");
}

/** Whether a plan asks for a namespace of that kind. */
export function hasNamespace(plan: Plan, name: string): boolean {
  return plan.some(
    (operation) => operation.op === "clone" && operation.namespaces.some((each) => each === name),
  );
}
