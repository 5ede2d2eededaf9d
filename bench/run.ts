// `npm run bench [-- ROW…]`: tsjail beside its peers on this machine. In: options. Out: a table in the terminal (or JSON)
// and, of a whole run, bench/results.md. Next: rows/index.ts, what is measured; bench.ts, how.
import { accessSync, constants, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { parseArgs } from "node:util";
import { version } from "../src/build/native.ts";
import type { Bench } from "./bench.ts";
import { requireBuild } from "./jail.ts";
import { describeMachine } from "./machine.ts";
import { peers } from "./peers.ts";
import { BenchProblem } from "./problem.ts";
import { formatMarkdown, formatResult, toJson } from "./report.ts";
import { judgeRow, type Result, type Row } from "./row.ts";
import { rows } from "./rows/index.ts";
import { makeScratch } from "./scratch.ts";

const usage = `Usage: npm run bench [-- OPTIONS ROW…]
Rows: ${rows.map(({ name }) => name).join(" ")} (default: all); files stands for all that begin so
  --runs N    how often a fast side is run (default: 200)
  --side NAME only this side (repeat)
  --json      JSON on standard output, with every sample
  --out FILE  where the results go (default: bench/results.md, of a run of all rows; - is nowhere)
Environment: TSJAIL_BENCH_SRT, the program of @anthropic-ai/sandbox-runtime where it is not in node_modules.`;

function parse(argv: string[]) {
  const { values, positionals } = parseArgs({
    args: argv,
    allowPositionals: true,
    options: {
      runs: { type: "string", default: "200" },
      side: { type: "string", multiple: true, default: [] },
      json: { type: "boolean", default: false },
      out: { type: "string" },
      help: { type: "boolean", short: "h", default: false },
    },
  });
  const runs = Number(values.runs);
  if (!Number.isInteger(runs) || runs < 1)
    throw new BenchProblem(`--runs ${values.runs}: not a positive number`);
  return { ...values, runs, names: positionals };
}

function selectRows(names: readonly string[]): Row[] {
  const isNamed = (row: Row, name: string) => row.name === name || row.name.startsWith(`${name}-`);
  const unknown = names.find((name) => !rows.some((row) => isNamed(row, name)));
  if (unknown !== undefined) throw new BenchProblem(`there is no row "${unknown}"\n${usage}`);
  return rows.filter((row) => names.length === 0 || names.some((name) => isNamed(row, name)));
}

/** Found out before minutes of measuring. */
function findOutput(given: string | undefined, isWhole: boolean): string | undefined {
  if (given === "-" || (given === undefined && !isWhole)) return undefined;
  const path = given ?? join(import.meta.dirname, "results.md");
  try {
    accessSync(dirname(path), constants.W_OK);
  } catch {
    throw new BenchProblem(`${path} can't be written: name another file with --out, or none with --out -`);
  }
  return path;
}

function refuseRoot(): void {
  if (process.getuid?.() !== 0) return;
  throw new BenchProblem(
    "run this as an ordinary user: as root the peers take other ways, and the figures are not those of a user",
  );
}

function measureRow(bench: Bench, row: Row): Result {
  try {
    return judgeRow(row, row.measure(bench));
  } catch (error) {
    if (!(error instanceof BenchProblem)) throw error;
    throw new BenchProblem(`row ${row.name}: ${error.message}`);
  }
}

function main(): void {
  const options = parse(process.argv.slice(2));
  if (options.help) {
    console.log(usage);
    return;
  }
  refuseRoot();
  requireBuild();
  const selected = selectRows(options.names);
  const output = findOutput(options.out, options.names.length + options.side.length === 0 && !options.json);
  const bench: Bench = { runs: options.runs, only: options.side, scratch: makeScratch() };
  const machine = describeMachine(version, Object.values(peers), bench.scratch.env);
  const results = selected.map((row) => {
    const result = measureRow(bench, row);
    if (!options.json) console.log(formatResult(result));
    return result;
  });
  if (options.json) console.log(JSON.stringify(toJson(results, machine), null, 2));
  if (output !== undefined) writeFileSync(output, formatMarkdown(results, machine));
}

try {
  main();
} catch (error) {
  if (!(error instanceof BenchProblem) && !(error instanceof TypeError)) throw error;
  console.error(`bench: ${error.message}`);
  process.exitCode = 1;
}
