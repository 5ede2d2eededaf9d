// What the attacks came to. In: verdicts, as they are found. Out: one file for each test process in the directory that
// TSJAIL_ATTACKS names, if it does; document.ts makes docs/attacks.md of them.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Attack, ProfileName } from "./attack.ts";
import { isThere } from "./layers.ts";

export type Verdict = "held" | "escaped";

export interface Result {
  readonly title: string;
  readonly name: string;
  readonly cve: string | undefined;
  layers: readonly string[];
  readonly open: Readonly<Record<string, string>>;
  /** Who ran it: "user" or "root", or both. */
  readonly users: readonly string[];
  /** By profile. */
  readonly verdicts: Record<string, Verdict>;
}

const results = new Map<string, Result>();

/** `layers` have been tested one by one by the same run: a row whose layers are wrong has failed tests. */
export function noteResult(
  title: string,
  attack: Attack,
  profile: ProfileName | "own",
  verdict: Verdict,
): void {
  const { row: name = attack.name, cve, open = {} } = attack;
  // The page is of a kernel that has them all.
  if (!attack.layers.every(isThere)) return;
  let result = results.get(name);
  if (result === undefined) {
    const users = [process.getuid?.() === 0 ? "root" : "user"];
    result = { title, name, cve, layers: attack.layers, open, users, verdicts: {} };
    results.set(name, result);
  }
  // Of several attacks in a row: what stops all of them; and one that escapes is enough.
  result.layers = result.layers.filter((layer) => (attack.layers as readonly string[]).includes(layer));
  if (result.verdicts[profile] !== "escaped") result.verdicts[profile] = verdict;
}

/** What this process has found so far, attack by attack. */
export const listResults = (): Result[] => [...results.values()];

process.on("exit", () => {
  const directory = process.env.TSJAIL_ATTACKS;
  if (directory === undefined || results.size === 0) return;
  const rows = [...results.values()];
  writeFileSync(join(directory, `${rows[0]?.title}.json`), JSON.stringify(rows));
});
