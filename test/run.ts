// The test runner: `npm test [-- [part of a file's name …] [--jobs N] [--grep text] …]`.
// In: test/**/*.test.ts, one process each (support/testfile.ts). Out: one line per file, the whole
// output of those that failed, and last "N passed, N failed". `.serial.` files run alone, last.
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { join, relative } from "node:path";
import { parseArgs } from "node:util";
import { endGroup, type FileResult, type RunOptions, runFile } from "./support/testfile.ts";

const usage = `usage: npm test -- [options] [part of a file's name …]
  --jobs N         files that run at the same time (default: the number of processors)
  --grep TEXT      only tests whose suite and title contain TEXT
  --except TEXT    leave out files whose name contains TEXT (may be given again)
  --time-limit S   seconds for a file without a "// time-limit: 300s" comment (default: 120)
  --dir DIRECTORY  where the tests are (default: this directory)
  --no-build       do not build first`;

function parse(argv: string[]) {
  const { values, positionals } = parseArgs({
    args: argv,
    allowPositionals: true,
    options: {
      jobs: { type: "string", default: String(availableParallelism()) },
      grep: { type: "string", default: "" },
      except: { type: "string", multiple: true, default: [] },
      "time-limit": { type: "string", default: "120" },
      dir: { type: "string", default: import.meta.dirname },
      "no-build": { type: "boolean", default: false },
      help: { type: "boolean", short: "h", default: false },
    },
  });
  return { ...values, parts: positionals };
}

type Settings = ReturnType<typeof parse>;

const shown = (path: string): string => relative(process.cwd(), path) || ".";

function findFiles(settings: Settings): string[] {
  return readdirSync(settings.dir, { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".test.ts") && !name.includes("node_modules/"))
    .map((name) => join(settings.dir, name))
    .filter(
      (path) => settings.parts.length === 0 || settings.parts.some((part) => shown(path).includes(part)),
    )
    .filter((path) => !settings.except.some((part) => shown(path).includes(part)))
    .sort();
}

function positive(name: string, text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1) throw new TypeError(`--${name} ${text}: not a positive number`);
  return value;
}

async function runAll(files: string[], jobs: number, options: RunOptions): Promise<FileResult[]> {
  const results: FileResult[] = [];
  const width = Math.max(...files.map((file) => shown(file).length));
  let next = 0;
  const work = async (queue: string[]) => {
    for (let file = queue.shift(); file !== undefined; file = queue.shift()) {
      const result = await runFile(file, next++, options);
      results.push(result);
      print(result, width);
    }
  };
  const together = files.filter((file) => !file.includes(".serial."));
  const alone = files.filter((file) => file.includes(".serial."));
  await Promise.all(Array.from({ length: jobs }, () => work(together)));
  await work(alone);
  return results;
}

function print(result: FileResult, width: number): void {
  const name = shown(result.file);
  const notes = [`${result.passed} passed`];
  if (result.failed > 0) notes.push(`${result.failed} failed`);
  if (result.skipped.length > 0) notes.push(`${result.skipped.length} skipped`);
  if (result.inapplicable > 0) notes.push(`${result.inapplicable} not for this user or processor`);
  const verdict = result.failed > 0 ? "FAIL" : "ok  ";
  console.log(
    `${verdict} ${name.padEnd(width)} ${result.seconds.toFixed(1).padStart(6)} s  ${notes.join(", ")}`,
  );
  for (const { title, reason } of result.skipped) console.log(`       skipped: ${title}: ${reason}`);
  for (const problem of result.problems) console.log(`       ${problem}`);
  if (result.failed > 0) console.log(result.output.trimEnd().replace(/^/gm, "     | "));
}

function summarize(results: FileResult[]): boolean {
  const sum = (count: (result: FileResult) => number) =>
    results.reduce((total, one) => total + count(one), 0);
  const passed = sum((result) => result.passed);
  const failed = sum((result) => result.failed);
  const skipped = sum((result) => result.skipped.length);
  const none = passed + failed + skipped === 0;
  if (none) console.log("no test ran: that is a failure too");
  for (const { file } of results.filter((result) => result.failed > 0)) {
    console.log(`failed: ${shown(file)}`);
  }
  const tail = skipped > 0 ? `, ${skipped} skipped` : "";
  console.log(`${passed} passed, ${none ? 1 : failed} failed${tail}`);
  return !none && failed === 0;
}

async function main(): Promise<boolean> {
  const settings = parse(process.argv.slice(2));
  if (settings.help) {
    console.log(usage);
    return true;
  }
  const jobs = positive("jobs", settings.jobs);
  const timeLimit = positive("time-limit", settings["time-limit"]);
  if (!settings["no-build"]) {
    const { build } = await import("../src/build/build.ts");
    await build({ quiet: true });
  }
  const files = findFiles(settings);
  if (files.length === 0) console.log(`no test file fits in ${shown(settings.dir)}`);
  const running = new Set<number>();
  const scratch = mkdtempSync(join(tmpdir(), "tsjail-test-"));
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    process.once(signal, () => {
      for (const group of running) endGroup(group, "SIGKILL");
      rmSync(scratch, { recursive: true, force: true });
      process.kill(process.pid, signal);
    });
  }
  try {
    return summarize(await runAll(files, jobs, { scratch, timeLimit, grep: settings.grep, running }));
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

main().then(
  (good) => {
    process.exitCode = good ? 0 : 1;
  },
  (error: unknown) => {
    console.error(error instanceof Error ? error.message : error);
    console.log("0 passed, 1 failed");
    process.exitCode = 1;
  },
);
