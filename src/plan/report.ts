// What the executor says about a failure: the figures it appends to the plan's `explain` command.
// In: arguments. Out: a Report; next is ../explain/explain.ts.
import { TsjailError } from "../error.ts";
import { maxOperations, type Reason, reasons, type Step, steps } from "./operations.ts";

export interface Report {
  /** The position of the failed operation in the plan; -1 for none. */
  readonly op: number;
  readonly step: Step;
  readonly reason: Reason;
  /** Linux's positive number; 0 for none. With the reason `init_died` a signal's number. */
  readonly errno: number;
  /** Where the plan can be read; undefined where there is none. */
  readonly planFd: number | undefined;
  /** The command that was named in place of the plan's own. */
  readonly command: readonly string[] | undefined;
  /** What a program said whose end is the failure, in one line. */
  readonly said?: string | undefined;
  /** The path of the executor, where whoever made the plan put it into `explain`. */
  readonly executor: string | undefined;
}

const options = ["--plan-fd", "--op", "--step", "--reason", "--errno", "--said", "--executor"] as const;
type Option = (typeof options)[number];

/**
 * Reads `[--executor PATH] --plan-fd N --op INDEX --step N --reason N --errno N [--said TEXT] [-- COMMAND…]`.
 * @throws TsjailError `internal` for anything else
 */
export function parseReport(argv: readonly string[]): Report {
  const end = argv.indexOf("--");
  const figures = end < 0 ? argv : argv.slice(0, end);
  const values = new Map<Option, string>();
  for (let index = 0; index < figures.length; index += 2) {
    const option = options.find((known) => known === figures[index]);
    const value = figures[index + 1];
    if (option === undefined || value === undefined || values.has(option)) throw unreadable(argv);
    values.set(option, value);
  }
  const read = (option: Option, least: number, most: number): number => {
    const text = values.get(option) ?? "";
    const value = /^-?\d{1,6}$/.test(text) ? Number(text) : Number.NaN;
    if (!(value >= least && value <= most)) throw unreadable(argv);
    return value;
  };
  const planFd = read("--plan-fd", -1, 999_999);
  return {
    op: read("--op", -1, maxOperations - 1),
    step: steps[read("--step", 0, steps.length - 1)] ?? "none",
    reason: reasons[read("--reason", 0, reasons.length - 1)] ?? "errno",
    errno: read("--errno", 0, 4095),
    planFd: planFd < 0 ? undefined : planFd,
    command: end < 0 ? undefined : argv.slice(end + 1),
    ...(values.has("--said") ? { said: values.get("--said") } : {}),
    executor: values.get("--executor"),
  };
}

/** The arguments that parseReport reads, for tests and for programs that speak for the executor. */
export function formatReport(report: Report): readonly string[] {
  return [
    ...(report.executor === undefined ? [] : ["--executor", report.executor]),
    ...["--plan-fd", String(report.planFd ?? -1), "--op", String(report.op)],
    ...["--step", String(steps.indexOf(report.step)), "--reason", String(reasons.indexOf(report.reason))],
    ...["--errno", String(report.errno)],
    ...(report.said === undefined ? [] : ["--said", report.said]),
    ...(report.command === undefined ? [] : ["--", ...report.command]),
  ];
}

function unreadable(argv: readonly string[]): TsjailError {
  return new TsjailError("internal", `The executor's report can't be read: ${argv.join(" ")}`, {
    hint: "`tsjail explain` is run by the executor when a jail can't be started, not by people.",
  });
}
