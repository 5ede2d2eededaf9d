// The whole of a run: for the terminal, for results.md and as JSON. In: results, the machine. Out: text.
import { alignCells, formatJudgement, formatMeasured, formatTarget, listCells } from "./format.ts";
import type { Machine } from "./machine.ts";
import type { Judgement, Result, Row } from "./row.ts";
import { summarize } from "./statistics.ts";

/** One row of the terminal's table. */
export function formatResult(result: Result): string {
  const { row, judgements } = result;
  const verdicts = judgements.map((one) => `  → ${formatJudgement(row.unit, one)}`);
  const cells = [["", "median", "quartiles", `× ${row.peer}`, "runs"], ...listCells(result)];
  return [
    `${row.title} [${row.name}]`,
    ...alignCells(cells).map((line) => `  ${line}`),
    ...verdicts,
    "",
  ].join("\n");
}

const escapeCell = (text: string): string => text.replaceAll("|", "\\|");
const tableRow = (cells: readonly string[]): string => `| ${cells.map(escapeCell).join(" | ")} |`;

function formatTargets(results: readonly Result[]): string[] {
  const list = ({ title, unit }: Row, one: Judgement) =>
    tableRow([
      title,
      formatTarget(unit, one.target),
      formatMeasured(unit, one) ?? "—",
      one.verdict === "met" ? "met" : `**${one.verdict}**`,
    ]);
  return [
    tableRow(["what", "target", "measured", ""]),
    tableRow(["---", "---", "--:", "---"]),
    ...results.flatMap(({ row, judgements }) => judgements.map((one) => list(row, one))),
  ];
}

function formatSection(result: Result): string[] {
  const { row, entries } = result;
  const cells = listCells(result).map((row) =>
    row.length === 2 ? [row[0] ?? "", `*${row[1]}*`, "", "", ""] : [...row.slice(0, 5)],
  );
  const notes = entries
    .filter(({ note }) => note !== undefined)
    .map(({ side, note }) => `- ${side}: ${note}`);
  const commands = entries.flatMap(({ side, command }) =>
    command === undefined ? [] : [`# ${side}`, command],
  );
  return [
    "",
    `## ${row.title}`,
    "",
    ...(row.about === undefined ? [] : [row.about, ""]),
    tableRow(["", "median", "quartiles", `× ${row.peer}`, "runs"]),
    tableRow(["---", "--:", "--:", "--:", "--:"]),
    ...cells.map(tableRow),
    ...(notes.length === 0 ? [] : ["", ...notes]),
    ...(commands.length === 0 ? [] : ["", "```sh", ...commands, "```"]),
  ];
}

export function formatMarkdown(results: readonly Result[], machine: Machine): string {
  return `${[
    "# Benchmark results",
    "",
    "<!-- Written by `npm run bench`. -->",
    "",
    ...Object.entries(machine.facts).map(([name, value]) => `- ${name}: ${value}`),
    "",
    "Peers: " +
      Object.entries(machine.versions)
        .map(([name, version]) => `${name} ${version}`)
        .join(" · "),
    "",
    "All sides of a row take turns in one run. Shown are the median, the quartiles, and the ratio of the medians.",
    "",
    ...formatTargets(results),
    ...results.flatMap(formatSection),
  ].join("\n")}\n`;
}

export function toJson(results: readonly Result[], machine: Machine): unknown {
  return {
    ...machine,
    rows: results.map(({ row, entries, judgements }) => ({
      name: row.name,
      title: row.title,
      unit: row.unit,
      peer: row.peer,
      sides: entries.map(({ samples, ...rest }) => ({
        ...rest,
        ...(samples.length === 0 ? {} : summarize(samples)),
        samples,
      })),
      targets: judgements.map(({ target, ...rest }) => ({ ...target, ...rest })),
    })),
  };
}
