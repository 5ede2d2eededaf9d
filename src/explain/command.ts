// `tsjail explain`, which the executor runs when a jail can't be started. In: the figures it appends, and the plan
// on a descriptor. Out: a TsjailError, which cli.ts prints and exits with.
import { fstatSync, readSync } from "node:fs";
import { TsjailError } from "../error.ts";
import { quoteWord } from "../plan/escape.ts";
import { maxPlanBytes, type Plan } from "../plan/operations.ts";
import { parseReport, type Report } from "../plan/report.ts";
import { decodePlan } from "../plan/wire.ts";
import { explain } from "./explain.ts";
import { type Facts, readFacts } from "./facts.ts";

/**
 * Explains a failed start; never throws.
 * @param argv what follows `explain` on the command line, as parseReport reads it
 * @param facts what is known of the machine; default: what readFacts finds
 */
export function runExplain(argv: readonly string[], facts?: Facts): TsjailError {
  try {
    const report = parseReport(argv);
    return explainReport(report, facts ?? readFacts({ executor: report.executor }));
  } catch (error) {
    if (error instanceof TsjailError) return error;
    return new TsjailError("internal", `The explanation of a failed start failed itself: ${String(error)}`, {
      cause: error,
      hint: `The executor reported: ${argv.map(quoteWord).join(" ")}`,
    });
  }
}

function explainReport(report: Report, facts: Facts): TsjailError {
  let plan: Plan = [];
  let unreadable: TsjailError | undefined;
  try {
    if (report.planFd !== undefined) plan = decodePlan(readPlan(report.planFd));
  } catch (error) {
    unreadable = asPlanError(error);
  }
  // What the executor says of bytes that it refuses is less than what our own reader says of them.
  if (unreadable !== undefined && report.reason === "malformed") return unreadable;
  return explain(plan, report, facts);
}

function asPlanError(error: unknown): TsjailError {
  if (error instanceof TsjailError) return error;
  return new TsjailError("plan_invalid", `The plan can't be read: ${String(error)}`, { cause: error });
}

/** From the beginning, wherever the descriptor's offset is: the executor has read it before. */
function readPlan(fd: number): Uint8Array {
  const size = Math.min(fstatSync(fd).size, maxPlanBytes + 1);
  const bytes = new Uint8Array(size);
  let length = 0;
  while (length < size) {
    const count = readSync(fd, bytes, length, size - length, length);
    if (count === 0) break;
    length += count;
  }
  return bytes.subarray(0, length);
}
