// What a row of the benchmark is, and how its targets are judged. In: entries with samples. Out: verdicts. The rows are
// in rows/, what they measure with is bench.ts.
import type { Bench } from "./bench.ts";
import { summarize } from "./statistics.ts";

export type Unit = "time" | "memory" | "rate" | "throughput";

/** One side of a row: measured, or why not. */
export interface Entry {
  readonly side: string;
  /** In ns, bytes, 1/s or bytes/s. */
  readonly samples: readonly number[];
  /** Why there are no samples. */
  readonly missing?: string;
  readonly note?: string;
  /** As a person would type it. */
  readonly command?: string;
}

export interface Target {
  /** The first of these that was measured. */
  readonly sides: readonly string[];
  /** Without one the limit is of the figure itself, in the row's unit. */
  readonly peer?: string;
  readonly atMost?: number;
  readonly atLeast?: number;
}

export interface Row {
  /** For filters: a short word; of several that belong together, theirs and one more, as in "files-git". */
  readonly name: string;
  readonly title: string;
  readonly unit: Unit;
  /** The ratios shown are to this side. */
  readonly peer: string;
  readonly targets: readonly Target[];
  /** What is measured, and how, where the title is not enough. */
  readonly about?: string;
  measure(bench: Bench): Entry[];
}

export type Verdict = "met" | "missed" | "not judged";

export interface Judgement {
  readonly target: Target;
  readonly side?: string;
  /** The ratio to the peer; without a peer, the figure. */
  readonly measured?: number;
  readonly verdict: Verdict;
}

export interface Result {
  readonly row: Row;
  readonly entries: readonly Entry[];
  readonly judgements: readonly Judgement[];
}

function findMedian(entries: readonly Entry[], side: string): number | undefined {
  const found = entries.find((entry) => entry.side === side && entry.samples.length > 0);
  return found && summarize(found.samples).median;
}

/** The ratio of the medians; undefined where one of them was not measured. */
export function compare(entries: readonly Entry[], side: string, peer: string): number | undefined {
  const [ours, theirs] = [findMedian(entries, side), findMedian(entries, peer)];
  return ours === undefined || theirs === undefined ? undefined : ours / theirs;
}

export function judge(target: Target, entries: readonly Entry[]): Judgement {
  const { peer, atMost = Number.POSITIVE_INFINITY, atLeast = 0 } = target;
  const side = target.sides.find((name) => findMedian(entries, name) !== undefined);
  if (side === undefined) return { target, verdict: "not judged" };
  const measured = peer === undefined ? findMedian(entries, side) : compare(entries, side, peer);
  if (measured === undefined) return { target, verdict: "not judged" };
  return { target, side, measured, verdict: measured <= atMost && measured >= atLeast ? "met" : "missed" };
}

export function judgeRow(row: Row, entries: readonly Entry[]): Result {
  return { row, entries, judgements: row.targets.map((target) => judge(target, entries)) };
}
