// Sizes, durations and octal modes as profiles write them. A string (or a plain number, for sizes) comes in, a
// number goes out; a string that doesn't fit is an error that shows how to write it. Next: field.ts.
import { TsjailError } from "../error.ts";
import { quoteShort } from "./quote.ts";

// Binary throughout: nobody who writes 512M for a tmpfs or a limit means 512,000,000, and mount(8) and systemd agree.
const sizeUnits: Readonly<Record<string, number>> = { "": 1, K: 2 ** 10, M: 2 ** 20, G: 2 ** 30, T: 2 ** 40 };

/** In microseconds, so that the sum is exact. */
const durationUnits: Readonly<Record<string, number>> = {
  us: 1,
  ms: 1e3,
  s: 1e6,
  m: 60e6,
  h: 3600e6,
  d: 86400e6,
};

const invalid = (message: string) => new TsjailError("profile_invalid", message);

/** Bytes. Accepts a whole number, or a string such as `512M`, `2GiB`, `1.5G`, `64 KiB` (powers of 1024). */
export function parseSize(value: string | number): number {
  if (typeof value === "number") return requireCount(value, String(value));
  const match = /^(\d+(?:\.\d+)?) ?(?:([KMGT])(?:iB|B)?|B)?$/i.exec(value);
  if (match === null)
    throw invalid(`is not a size: ${quoteShort(value)} (write 4096, "512M", "2GiB" or "1.5G")`);
  const bytes = Number(match[1]) * (sizeUnits[(match[2] ?? "").toUpperCase()] ?? 1);
  return requireCount(bytes, quoteShort(value));
}

/** Milliseconds, whole or fractional down to a microsecond. Accepts `150ms`, `1h`, `1h30m`, `2.5s`, `1d`. */
export function parseDuration(value: string): number {
  return parseMicroseconds(value) / 1000;
}

/** As parseDuration, but `-1h` and `+1h` are understood too. */
export function parseSignedDuration(value: string): number {
  const isSigned = value.startsWith("-") || value.startsWith("+");
  const amount = parseDuration(isSigned ? value.slice(1) : value);
  return value.startsWith("-") && amount !== 0 ? -amount : amount;
}

/** Whole microseconds. */
export function parseMicroseconds(value: string): number {
  const example = `(write "150ms", "10s", "1h" or "1h30m")`;
  if (value.startsWith("0") && /^0+$/.test(value)) return 0;
  let total = 0;
  let previous = Number.POSITIVE_INFINITY;
  const part = /(\d+(?:\.\d+)?)(us|ms|[smhd])/y;
  do {
    const [, amount, unit = ""] = part.exec(value) ?? [];
    const size = durationUnits[unit];
    if (size === undefined) {
      const lacksUnit = /^\d+(\.\d+)?$/.test(value) && Number(value) !== 0;
      throw invalid(`${lacksUnit ? "has no unit" : "is not a duration"}: ${quoteShort(value)} ${example}`);
    }
    // 30m1h is more likely a slip than a wish.
    if (size >= previous) throw invalid(`has its units out of order: ${quoteShort(value)} ${example}`);
    previous = size;
    total += Number(amount) * size;
  } while (part.lastIndex < value.length);
  total = Math.round(total);
  if (!Number.isSafeInteger(total)) throw invalid(`is too long: ${quoteShort(value)}`);
  return total;
}

/** Permission bits from an octal string: `0755`, `1777`, `0o644`. */
export function parseMode(value: string): number {
  const match = /^(?:0o)?([0-7]{1,5})$/.exec(value);
  const mode = match === null ? Number.NaN : Number.parseInt(match[1] ?? "", 8);
  if (!(mode <= 0o7777)) throw invalid(`is not an octal mode: ${quoteShort(value)} (write "0755" or "1777")`);
  return mode;
}

/** A size as a person writes it: the largest unit that leaves a whole number. */
export function formatSize(bytes: number): string {
  for (const unit of ["T", "G", "M", "K"]) {
    const size = sizeUnits[unit] ?? 1;
    if (bytes >= size && bytes % size === 0) return `${bytes / size}${unit}`;
  }
  return String(bytes);
}

/** A duration in milliseconds as a person writes it: `1h30m`, `150ms`, `-2s`. */
export function formatDuration(milliseconds: number): string {
  let rest = Math.round(Math.abs(milliseconds) * 1000);
  let text = milliseconds < 0 ? "-" : "";
  for (const unit of ["d", "h", "m", "s", "ms", "us"]) {
    const size = durationUnits[unit] ?? 1;
    const amount = Math.floor(rest / size);
    if (amount > 0) text += `${amount}${unit}`;
    rest -= amount * size;
  }
  return rest === Math.round(Math.abs(milliseconds) * 1000) && milliseconds === 0 ? "0s" : text;
}

function requireCount(value: number, shown: string): number {
  if (!Number.isFinite(value) || value < 0) throw invalid(`must be 0 or more, not ${shown}`);
  if (!Number.isInteger(value)) throw invalid(`is not a whole number of bytes: ${shown}`);
  if (!Number.isSafeInteger(value)) throw invalid(`is too large: ${shown}`);
  return value;
}
