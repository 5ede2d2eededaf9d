import { alignCells, formatJudgement, formatNumber, formatSpread, formatValue } from "../../bench/format.ts";
import { formatMarkdown, formatResult, toJson } from "../../bench/report.ts";
import { judgeRow, type Row } from "../../bench/row.ts";
import * as assert from "../support/assert.ts";
import { suite } from "../support/suite.ts";

const test = suite("bench: format");

test("a number has three digits that count", () => {
  assert.equal([123.456, 12.3456, 1.23456, 0.0123456, 0].map(formatNumber), [
    "123",
    "12.3",
    "1.23",
    "0.0123",
    "0",
  ]);
});

test("a value has the unit that fits it", () => {
  assert.is(formatValue("time", 2_510_000), "2.51 ms");
  assert.is(formatValue("time", 950_000), "950 µs");
  assert.is(formatValue("time", 1.74e9), "1.74 s");
  assert.is(formatValue("memory", 98 * 1024), "98.0 KiB");
  assert.is(formatValue("memory", 46.2 * 2 ** 20), "46.2 MiB");
  assert.is(formatValue("rate", 331.2), "331 /s");
  assert.is(formatValue("throughput", 1.26 * 2 ** 30), "1.26 GiB/s");
});

test("the spread has the unit of the median", () => {
  assert.is(
    formatSpread("time", { count: 3, median: 1_000_000, low: 900_000, high: 1_100_000 }),
    "0.900–1.10",
  );
});

test("columns line up, and what is missing takes the rest of its line", () => {
  assert.equal(
    alignCells([
      ["a", "1 ms", "1–2", "1×", "9"],
      ["longer", "missing: not installed (apt-get install longer)"],
      ["b", "10 ms", "10–20", "10×", "9", "a note"],
    ]),
    [
      "a        1 ms    1–2   1×  9",
      "longer  missing: not installed (apt-get install longer)",
      "b       10 ms  10–20  10×  9  a note",
    ],
  );
});

const row: Row = {
  name: "warm",
  title: "A warm start",
  unit: "time",
  peer: "bubblewrap",
  targets: [
    { sides: ["tsjail"], peer: "bubblewrap", atMost: 0.6 },
    { sides: ["tsjail"], peer: "crun", atMost: 0.5 },
  ],
  measure: () => [],
};
const result = judgeRow(row, [
  { side: "tsjail", samples: [2_400_000], command: "tsjail -p warm.toml -- /bin/true", note: "a|b" },
  { side: "bubblewrap", samples: [6_000_000] },
  { side: "crun", samples: [], missing: "not installed" },
]);
const machine = { facts: { kernel: "6.1" }, versions: { crun: "missing", bubblewrap: "0.8.0" } };

test("the terminal shows medians, ratios, verdicts, and names what is missing", () => {
  const text = formatResult(result);
  assert.match(text, /tsjail +2\.40 ms +2\.40–2\.40 +0\.400× +1/);
  assert.match(text, /crun +missing: not installed/);
  assert.match(text, "→ ≤ 0.6× bubblewrap: 0.400× met (tsjail)");
  assert.match(text, "→ ≤ 0.5× crun: not judged");
});

test("a missed target says so", () => {
  const [target] = row.targets;
  assert.ok(target !== undefined);
  const judgement = { target, side: "tsjail", measured: 0.7, verdict: "missed" } as const;
  assert.match(formatJudgement("time", judgement), "0.700× missed");
});

test("a target without a peer is in the unit of its row", () => {
  const target = { sides: ["tsjail"], atMost: 200 * 2 ** 20 };
  const judgement = { target, side: "tsjail", measured: 150 * 2 ** 20, verdict: "met" } as const;
  assert.is(formatJudgement("memory", judgement), "≤ 200 MiB: 150 MiB met (tsjail)");
});

test("results.md has the machine, the versions, the targets, the commands, and every side", () => {
  const text = formatMarkdown([result], machine);
  for (const part of [
    "- kernel: 6.1",
    "crun missing · bubblewrap 0.8.0",
    "| A warm start | ≤ 0.6× bubblewrap | 0.400× | met |",
    "| A warm start | ≤ 0.5× crun | — | **not judged** |",
    "| tsjail | 2.40 ms | 2.40–2.40 | 0.400× | 1 |",
    "| crun | *missing: not installed* |",
    "```sh\n# tsjail\ntsjail -p warm.toml -- /bin/true\n```",
  ])
    assert.ok(text.includes(part), `${part} is not in\n${text}`);
});

test("JSON has every sample beside the summary", () => {
  const json = JSON.parse(JSON.stringify(toJson([result], machine)));
  assert.equal(json.rows[0].sides[0].samples, [2_400_000]);
  assert.is(json.rows[0].sides[0].median, 2_400_000);
  assert.is(json.rows[0].sides[2].missing, "not installed");
  assert.is(json.rows[0].sides[2].median, undefined);
  assert.is(json.rows[0].targets[0].verdict, "met");
});
