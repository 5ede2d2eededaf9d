// One line of the doctor's report. In: what a check found. Out: text for people, or plain data for programs.

/** `good`: as it should be. `note`: tsjail works, something optional does not. `bad`: the main job can't run.
 * `unknown`: it could not be found out. */
export type Outcome = "good" | "note" | "bad" | "unknown";

export interface Row {
  readonly subject: string;
  readonly outcome: Outcome;
  /** What was found, in a sentence. */
  readonly why: string;
  /** What to do about it; may have several lines. */
  readonly fix?: string | undefined;
}

export function good(subject: string, why: string): Row {
  return { subject, outcome: "good", why };
}

export function note(subject: string, why: string, fix?: string): Row {
  return { subject, outcome: "note", why, fix };
}

export function bad(subject: string, why: string, fix?: string): Row {
  return { subject, outcome: "bad", why, fix };
}

export function unknownRow(subject: string, why: string, fix?: string): Row {
  return { subject, outcome: "unknown", why, fix };
}

/** The main job can run: nothing is bad. */
export function isFit(rows: readonly Row[]): boolean {
  return rows.every(({ outcome }) => outcome !== "bad");
}

const marks: Readonly<Record<Outcome, readonly [mark: string, color: number]>> = {
  good: ["ok", 32],
  note: ["note", 33],
  bad: ["FAIL", 31],
  unknown: ["?", 33],
};

/** One line per row, its fix indented below, and a verdict as the last line. */
export function formatRows(rows: readonly Row[], color: boolean): string {
  const width = Math.max(...rows.map(({ subject }) => subject.length));
  const paint = (text: string, code: number) => (color ? `\u001B[${code}m${text}\u001B[39m` : text);
  const lines = rows.flatMap(({ subject, outcome, why, fix }) => {
    const [mark, code] = marks[outcome];
    const head = `${paint(mark.padEnd(4), code)}  ${subject.padEnd(width)}  ${why}`;
    const indent = " ".repeat(width + 8);
    return [head, ...(fix === undefined ? [] : fix.split("\n").map((line) => `${indent}${line}`))];
  });
  const failed = rows.filter(({ outcome }) => outcome === "bad").length;
  const verdict =
    failed === 0
      ? paint("tsjail can run jails here.", 32)
      : paint(`tsjail can't run jails here: ${failed} of ${rows.length} checks failed.`, 31);
  return `${[...lines, "", verdict].join("\n")}\n`;
}
