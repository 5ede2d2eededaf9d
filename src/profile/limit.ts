// [rlimits]: one limit, in the kernel's own unit. Part of field.ts, used by execution.ts.
import * as v from "valibot";
import { TsjailError } from "../error.ts";
import { parsed, type Raw, table } from "./field.ts";
import { quoteShort } from "./quote.ts";
import { parseMicroseconds, parseSize } from "./units.ts";
import { say } from "./words.ts";

/** A resource limit in the kernel's own unit, or "unlimited". */
export type Limit = number | "unlimited";
export interface Limits {
  readonly soft: Limit;
  readonly hard: Limit;
}

export type LimitUnit = "size" | "count" | "seconds" | "microseconds";

const words = {
  size: "size",
  count: "whole number",
  seconds: "number of seconds, or a duration",
  microseconds: "number of microseconds, or a duration",
} as const satisfies Record<LimitUnit, string>;

/** One of [rlimits]: a value for both limits, or { soft, hard }. */
export function limit(unit: LimitUnit) {
  const single = say(
    v.pipe(
      v.union([v.string(), v.number()], `must be a ${words[unit]}, or "unlimited"`),
      parsed((value: Raw) => parseLimit(value, unit)),
    ),
    { kind: `${words[unit]}, or "unlimited"` },
  );
  const pair = table({ soft: single, hard: single });
  return say(
    v.pipe(
      // lazy instead of union: the issues of the form that was meant, not of both
      v.lazy((input) => (typeof input === "object" && input !== null ? pair : single)),
      v.transform((value): Limits => (typeof value === "object" ? value : { soft: value, hard: value })),
      v.check(
        ({ soft, hard }) => hard === "unlimited" || (soft !== "unlimited" && soft <= hard),
        "has a soft limit above the hard one",
      ),
    ),
    { kind: `${words[unit]}, "unlimited", or { soft, hard }` },
  );
}

function parseLimit(value: Raw, unit: LimitUnit): Limit {
  if (value === "unlimited") return value;
  if (unit === "size") return parseSize(value);
  if (typeof value === "number" || /^\d+$/.test(value)) return parseSize(Number(value));
  if (unit === "count")
    throw new TsjailError("profile_invalid", `is not a whole number: ${quoteShort(value)}`);
  const microseconds = parseMicroseconds(value);
  // RLIMIT_CPU has no smaller unit than a second, and 0 would kill at once (getrlimit(2)).
  return unit === "seconds" ? Math.ceil(microseconds / 1e6) : microseconds;
}
