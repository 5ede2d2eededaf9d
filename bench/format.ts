// Figures and tables for people: in the terminal and in Markdown. In: results. Out: lines. Next: report.ts.
import type { Judgement, Result, Target, Unit } from "./row.ts";
import { compare } from "./row.ts";
import { type Summary, summarize } from "./statistics.ts";

const scales: Record<Unit, readonly (readonly [number, string])[]> = {
  time: [
    [1e9, "s"],
    [1e6, "ms"],
    [1e3, "µs"],
  ],
  memory: [
    [2 ** 20, "MiB"],
    [2 ** 10, "KiB"],
  ],
  rate: [[1, "/s"]],
  throughput: [
    [2 ** 30, "GiB/s"],
    [2 ** 20, "MiB/s"],
  ],
};

/** Three digits that count. */
export function formatNumber(value: number): string {
  if (value === 0) return "0";
  const digits = Math.max(0, 2 - Math.floor(Math.log10(Math.abs(value))));
  return value.toFixed(Math.min(digits, 4));
}

function findScale(unit: Unit, value: number): readonly [number, string] {
  const scale = scales[unit];
  return scale.find(([size]) => value >= size) ?? (scale.at(-1) as readonly [number, string]);
}

export function formatValue(unit: Unit, value: number): string {
  const [size, name] = findScale(unit, value);
  return `${formatNumber(value / size)} ${name}`;
}

/** "2.31–2.58", in the unit of the median. */
export function formatSpread(unit: Unit, { median, low, high }: Summary): string {
  const [size] = findScale(unit, median);
  return `${formatNumber(low / size)}–${formatNumber(high / size)}`;
}

export const formatRatio = (ratio: number): string => `${formatNumber(ratio)}×`;

export function formatTarget(unit: Unit, { atMost, atLeast, peer }: Target): string {
  const [sign, limit] = atMost === undefined ? ["≥", atLeast ?? 0] : ["≤", atMost];
  return peer === undefined ? `${sign} ${formatValue(unit, limit)}` : `${sign} ${limit}× ${peer}`;
}

/** The figure that a target is about; undefined where it could not be judged. */
export function formatMeasured(unit: Unit, { target, measured }: Judgement): string | undefined {
  if (measured === undefined) return undefined;
  return target.peer === undefined ? formatValue(unit, measured) : formatRatio(measured);
}

export function formatJudgement(unit: Unit, judgement: Judgement): string {
  const { target, side, verdict } = judgement;
  const measured = formatMeasured(unit, judgement);
  const limit = formatTarget(unit, target);
  return measured === undefined ? `${limit}: not judged` : `${limit}: ${measured} ${verdict} (${side})`;
}

/** Side, median, quartiles, ratio, runs; then why what is missing is missing. */
export function listCells({ row, entries }: Result): string[][] {
  return entries.map((entry) => {
    if (entry.samples.length === 0) return [entry.side, `missing: ${entry.missing ?? "no samples"}`];
    const summary = summarize(entry.samples);
    const ratio = compare(entries, entry.side, row.peer);
    return [
      entry.side,
      formatValue(row.unit, summary.median),
      formatSpread(row.unit, summary),
      ratio === undefined ? "" : formatRatio(ratio),
      String(summary.count),
      ...(entry.note === undefined ? [] : [entry.note]),
    ];
  });
}

/** Columns that line up; a row of two cells (what is missing) takes the rest of the line. */
export function alignCells(rows: readonly (readonly string[])[]): string[] {
  const full = rows.filter((cells) => cells.length > 2);
  const widths = [0, 1, 2, 3, 4].map((column) =>
    Math.max(0, ...(column === 0 ? rows : full).map((cells) => (cells[column] ?? "").length)),
  );
  return rows.map((cells) => {
    const [side = "", ...rest] = cells;
    const start = side.padEnd(widths[0] ?? 0);
    if (cells.length === 2) return `${start}  ${rest[0]}`;
    const padded = rest.map((cell, index) => (index < 4 ? cell.padStart(widths[index + 1] ?? 0) : cell));
    return `${start}  ${padded.join("  ")}`.trimEnd();
  });
}
