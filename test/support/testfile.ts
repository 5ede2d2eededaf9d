// Runs one test file in a process and a process group of its own. In: the file; out: true counts.
// The report of suite.ts, uvu's own summary and the exit code have to agree. Used by ../run.ts.
import { spawn } from "node:child_process";
import { closeSync, openSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import type { Report } from "./suite.ts";

export interface FileResult {
  file: string;
  passed: number;
  failed: number;
  inapplicable: number;
  skipped: Report["skipped"];
  /** What is wrong beside failed tests: the time limit, an exit code, counts that disagree. */
  problems: string[];
  output: string;
  seconds: number;
}
export interface RunOptions {
  /** A directory for the output, the report, and what files have in common; TSJAIL_TEST_SCRATCH to them. */
  scratch: string;
  /** Seconds, for a file that names none. */
  timeLimit: number;
  grep: string;
  /** Process groups that the caller has to end when it is interrupted itself. */
  running: Set<number>;
}

interface Ending {
  code: number | null;
  signal: NodeJS.Signals | null;
  timedOut: boolean;
}

/** Seconds: the comment `// time-limit: 300s` in the file, or the given default. */
export function readTimeLimit(file: string, otherwise: number): number {
  const match = /^\/\/ time-limit: (\d+)s$/m.exec(readFileSync(file, "utf8"));
  return match === null ? otherwise : Number(match[1]);
}

export async function runFile(file: string, index: number, options: RunOptions): Promise<FileResult> {
  const started = performance.now();
  const outputPath = join(options.scratch, `${index}.out`);
  const reportPath = join(options.scratch, `${index}.json`);
  const limit = readTimeLimit(file, options.timeLimit);
  const ending = await runProcess(file, limit, outputPath, reportPath, options);
  const output = readFileSync(outputPath, "utf8");
  const result = judge(file, ending, limit, output, readReport(reportPath), options.grep !== "");
  rmSync(outputPath);
  rmSync(reportPath, { force: true });
  return { ...result, seconds: (performance.now() - started) / 1000 };
}

function runProcess(
  file: string,
  limit: number,
  outputPath: string,
  reportPath: string,
  options: RunOptions,
): Promise<Ending> {
  const env: NodeJS.ProcessEnv = { ...process.env, NO_COLOR: "1", TSJAIL_TEST_REPORT: reportPath };
  env.TSJAIL_TEST_SCRATCH = options.scratch;
  delete env.FORCE_COLOR;
  if (options.grep !== "") env.TSJAIL_TEST_GREP = options.grep;
  // A file, not a pipe: a process that a test leaves behind can't hold it open against us.
  const output = openSync(outputPath, "w");
  const child = spawn(process.execPath, ["--import", import.meta.resolve("tsx"), file], {
    env,
    detached: true,
    stdio: ["ignore", output, output],
  });
  closeSync(output);
  return new Promise((resolve, reject) => {
    let timedOut = false;
    let timer: NodeJS.Timeout | undefined;
    const group = child.pid;
    if (group !== undefined) {
      options.running.add(group);
      timer = setTimeout(() => {
        timedOut = true;
        endGroup(group, "SIGTERM");
        timer = setTimeout(() => endGroup(group, "SIGKILL"), 2000);
      }, limit * 1000);
    }
    child.once("error", reject);
    child.once("exit", (code, signal) => {
      clearTimeout(timer);
      if (group !== undefined) {
        // Whatever the file left in its group goes with it.
        endGroup(group, "SIGKILL");
        options.running.delete(group);
      }
      resolve({ code, signal, timedOut });
    });
  });
}

export function endGroup(group: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-group, signal);
  } catch {} // it is empty already
}

function readReport(path: string): Report | undefined {
  try {
    return JSON.parse(readFileSync(path, "utf8")) as Report;
  } catch {
    return undefined;
  }
}

function judge(
  file: string,
  ending: Ending,
  limit: number,
  output: string,
  report: Report | undefined,
  filtered: boolean,
): Omit<FileResult, "seconds"> {
  const problems: string[] = [];
  if (ending.timedOut) problems.push(`ended at its time limit of ${limit} s`);
  else if (ending.signal !== null) problems.push(`ended by ${ending.signal}`);
  if (report === undefined) {
    if (problems.length === 0) problems.push(`left no report (exit code ${ending.code}): no test ran`);
    return { file, passed: 0, failed: 1, inapplicable: 0, skipped: [], problems, output };
  }
  const { registered, passed, skipped, inapplicable } = report;
  const unfinished = Math.max(0, registered - passed - report.failed - skipped.length);
  let failed = report.failed + unfinished;
  if (unfinished > 0) problems.push(`${unfinished} of ${registered} tests were never finished`);
  if (registered + inapplicable === 0 && !filtered) problems.push("has no tests");
  if (ending.code !== null && ending.code !== 0 && failed === 0) {
    problems.push(`exit code ${ending.code}, though no test failed`);
  }
  if (ending.code === 0 && failed > 0) problems.push("exit code 0, though tests failed");
  if (ending.code === 0 && registered > 0) {
    const uvuPassed = readLastCount(output, "Passed");
    if (uvuPassed !== passed + skipped.length || readLastCount(output, "Total") !== registered) {
      problems.push("uvu's summary does not agree with the report");
    }
  }
  if (problems.length > 0 && failed === 0) failed = 1;
  return { file, passed, failed, inapplicable, skipped, problems, output };
}

/** From uvu's summary, the last of its kind: a test may print such a line itself. */
function readLastCount(output: string, label: string): number | undefined {
  const lines = [...output.matchAll(new RegExp(`^ {2}${label}: +(\\d+)$`, "gm"))];
  const last = lines.at(-1)?.[1];
  return last === undefined ? undefined : Number(last);
}
