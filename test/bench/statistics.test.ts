import { chooseRuns } from "../../bench/bench.ts";
import { compare, type Entry, judge, type Target } from "../../bench/row.ts";
import { quantile, summarize } from "../../bench/statistics.ts";
import * as assert from "../support/assert.ts";
import { suite } from "../support/suite.ts";

const test = suite("bench: statistics");

test("the median of an odd number of samples is the middle one, whatever their order", () => {
  assert.is(quantile([9, 1, 5], 0.5), 5);
});

test("between two samples it is interpolated", () => {
  assert.is(quantile([1, 2, 3, 4], 0.5), 2.5);
  assert.is(quantile([10, 20], 0.25), 12.5);
});

test("the ends are the least and the largest", () => {
  assert.is(quantile([3, 1, 2], 0), 1);
  assert.is(quantile([3, 1, 2], 1), 3);
});

test("no samples have no median", () => {
  assert.throws(() => quantile([], 0.5), /no samples/);
});

test("a summary has the quartiles, and leaves the samples as they were", () => {
  const samples = [5, 1, 4, 2, 3];
  assert.equal(summarize(samples), { count: 5, median: 3, low: 2, high: 4 });
  assert.equal(samples, [5, 1, 4, 2, 3]);
});

test("a slow side is run fewer times, but some", () => {
  assert.is(chooseRuns(200, 5), 200);
  assert.is(chooseRuns(200, 100), 100);
  assert.is(chooseRuns(200, 60_000), 5);
  assert.is(chooseRuns(2, 60_000), 2);
});

const entries: Entry[] = [
  { side: "ours", samples: [3] },
  { side: "theirs", samples: [5, 6, 7] },
  { side: "absent", samples: [], missing: "not installed" },
];
const target = (wish: Partial<Target>): Target => ({ sides: ["ours"], peer: "theirs", ...wish });

test("a ratio is that of the medians", () => {
  assert.is(compare(entries, "ours", "theirs"), 0.5);
});

test("an upper limit is met up to the limit itself, and missed above it", () => {
  assert.is(judge(target({ atMost: 0.5 }), entries).verdict, "met");
  assert.is(judge(target({ atMost: 0.49 }), entries).verdict, "missed");
});

test("a lower limit is met from the limit itself, and missed below it", () => {
  assert.is(judge(target({ atLeast: 0.5 }), entries).verdict, "met");
  assert.is(judge(target({ atLeast: 0.51 }), entries).verdict, "missed");
});

test("without the peer, or without our own side, nothing is judged", () => {
  assert.is(judge(target({ peer: "absent", atMost: 9 }), entries).verdict, "not judged");
  assert.is(judge(target({ sides: ["absent"], atMost: 9 }), entries).verdict, "not judged");
  assert.is(judge(target({ atMost: 9 }), entries).verdict, "met");
});

test("a limit without a peer is judged by the figure itself", () => {
  const limit = (wish: Partial<Target>): Target => ({ sides: ["ours"], ...wish });
  assert.is(judge(limit({ atMost: 3 }), entries).verdict, "met");
  assert.is(judge(limit({ atMost: 2 }), entries).verdict, "missed");
  assert.is(judge(limit({ atLeast: 4 }), entries).verdict, "missed");
  assert.is(judge({ sides: ["absent"], atMost: 9 }, entries).verdict, "not judged");
});

test("the first side that was measured is judged", () => {
  const { side, verdict } = judge(target({ sides: ["absent", "ours"], atMost: 0.5 }), entries);
  assert.equal([side, verdict], ["ours", "met"]);
});
