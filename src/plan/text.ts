// A plan as people read it, and as programs do: what `tsjail plan` and `tsjail plan --json` print.
// In: a Plan. Out: lines of text, or a value for JSON.stringify; golden tests compare both.
import { phaseNumber } from "./check.ts";
import { describeOperation } from "./describe.ts";
import { escapeText } from "./escape.ts";
import { type Operation, type Phase, type Plan, phases, planVersion } from "./operations.ts";
import { findOperationType, listFields, readField, type Value } from "./table.ts";

/** Columns are fixed, so that one more operation changes one line of a golden file and not all of them. */
const columns = { index: 4, name: 15, subject: 30, comment: 84 };

const headings: Readonly<Record<Phase, string>> = {
  fact: "what the plan was compiled from",
  host: "the monitor, outside the jail",
  map: "the monitor, while init waits for its ids",
  jail: "init, as it builds the jail",
  command: "the process that becomes the command",
};

/**
 * One line for each operation, below the heading of its phase: index, name, what it acts on, details, and its
 * origin as a comment. Control characters are escaped. Ends with a newline.
 */
export function formatPlan(plan: Plan): string {
  const lines: string[] = [];
  let phase = -1;
  for (const [index, operation] of plan.entries()) {
    if (phaseNumber(operation.op) !== phase) {
      phase = phaseNumber(operation.op);
      const name = phases[phase] ?? "host";
      lines.push(...(lines.length > 0 ? [""] : []), `${name}: ${headings[name]}`);
    }
    lines.push(formatOperation(operation, index));
  }
  return lines.map((line) => `${line}\n`).join("");
}

function formatOperation(operation: Operation, index: number): string {
  const [subject, ...details] = describeOperation(operation);
  const head = `${String(index).padStart(columns.index)}  ${`${operation.op} `.padEnd(columns.name)}`;
  const tail = details.filter((detail) => detail !== "").join("  ");
  const body = tail === "" ? subject : `${subject.padEnd(columns.subject)}  ${tail}`;
  const line = `${head}${body}`.trimEnd();
  if (operation.origin === "") return line;
  return `${line.padEnd(columns.comment)}  # ${escapeText(operation.origin)}`;
}

export interface OperationJson {
  readonly op: string;
  readonly phase: Phase;
  readonly origin: string;
  readonly [field: string]: unknown;
}

export interface PlanJson {
  readonly version: number;
  readonly operations: readonly OperationJson[];
}

/**
 * The plan as plain data. Numbers above 2^53 are strings of digits; the content of files is `{ text }`, or
 * `{ base64 }` where it is not UTF-8.
 */
export function planToJson(plan: Plan): PlanJson {
  return { version: planVersion, operations: plan.map(operationToJson) };
}

function operationToJson(operation: Operation): OperationJson {
  const { phase } = findOperationType(operation.op);
  const fields = listFields(operation.op).map(
    ({ name }) => [name, valueToJson(readField(operation, name))] as const,
  );
  return { op: operation.op, phase, origin: operation.origin, ...Object.fromEntries(fields) };
}

function valueToJson(value: Value | undefined): unknown {
  if (typeof value === "bigint")
    return value <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(value) : String(value);
  if (value instanceof Uint8Array) {
    const bytes = Buffer.from(value);
    const text = bytes.toString("utf8");
    return Buffer.from(text).equals(bytes) ? { text } : { base64: bytes.toString("base64") };
  }
  return value;
}
