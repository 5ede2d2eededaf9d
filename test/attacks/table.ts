// Rows of docs/attacks.md. In: what the attacks of a run came to. Out: a line of Markdown each, and what of it the page
// says otherwise.
import { existsSync, readFileSync } from "node:fs";
import { resolve } from "node:path";
import { fixed } from "./layers.ts";
import type { Result } from "./results.ts";

export const pagePath = resolve(import.meta.dirname, "../../docs/attacks.md");

/** Those of the five that an attack was tried in, in this order. */
const order = ["base", "dev", "ci", "offline", "untrusted"];

function listProfiles({ verdicts, open }: Result, verdict: "held" | "escaped"): string {
  if ("own" in verdicts) return verdicts.own === verdict ? (open.own ?? "a profile of its own") : "";
  const names = order.filter((name) => verdicts[name] === verdict);
  const reasons = new Set(names.map((name) => open[name]));
  const shown = names.length === order.length ? "all" : names.join(", ");
  const [reason] = reasons;
  if (reasons.size <= 1) return reason === undefined ? shown : `${shown}: ${reason}`;
  return names.map((name) => (open[name] === undefined ? name : `${name}: ${open[name]}`)).join("; ");
}

/** What was attacked, what came of it, what stopped it; in between, as whom. */
function formatCells(result: Result): readonly [attack: string, users: string, rest: string] {
  const { name, cve, layers, users } = result;
  const shown = layers.map((layer) => (layer in fixed ? `*${layer}*` : layer));
  const [held, open] = [listProfiles(result, "held"), listProfiles(result, "escaped")];
  const rest = [held, open, held === "" ? "" : shown.join(" · ")].join(" | ");
  return [
    `${name}${cve === undefined ? "" : ` (${cve})`}`,
    ["user", "root"].filter((one) => users.includes(one)).join(", "),
    rest,
  ];
}

export const formatRow = (result: Result): string => `| ${formatCells(result).join(" | ")} |`;

/** One result for each attack; of two runs, what either of them found open is open. */
export function mergeResults(results: readonly Result[]): Result[] {
  const merged = new Map<string, Result>();
  for (const result of results) {
    const known = merged.get(result.name) ?? { ...result, users: [], verdicts: {} };
    const verdicts = { ...known.verdicts };
    for (const [profile, verdict] of Object.entries(result.verdicts))
      if (verdicts[profile] !== "escaped") verdicts[profile] = verdict;
    merged.set(result.name, { ...known, users: [...known.users, ...result.users], verdicts });
  }
  return [...merged.values()];
}

/** Rows that the page has otherwise, or not at all. It may have been made by runs as others as well. */
export function findStale(results: readonly Result[]): string[] {
  const page = existsSync(pagePath) ? readFileSync(pagePath, "utf8").split("\n") : [];
  return results
    .filter((result) => {
      const [attack, user, rest] = formatCells(result);
      return !page.some((row) => {
        const isSame = row.startsWith(`| ${attack} | `) && row.endsWith(` | ${rest} |`);
        return (
          isSame &&
          row
            .slice(attack.length + 5, row.length - rest.length - 5)
            .split(", ")
            .includes(user)
        );
      });
    })
    .map(formatRow);
}

/** Attacks that the page has in this section, and that there are no more. */
export function findGone(title: string, names: ReadonlySet<string>): string[] {
  const page = existsSync(pagePath) ? readFileSync(pagePath, "utf8") : "";
  const section = page
    .split("\n## ")
    .find((each) => each.toLowerCase().startsWith(`${title.toLowerCase()}\n`));
  const rows = section
    ?.split("\n")
    .filter((line) => line.startsWith("| ") && !/^\| (attack|---) /.test(line));
  const known = (row: string) =>
    [...names].some((name) => row.startsWith(`| ${name} |`) || row.startsWith(`| ${name} (CVE`));
  return (rows ?? []).filter((row) => !known(row));
}
