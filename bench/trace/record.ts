// `node --import tsx bench/trace/record.ts --user NAME`: traces warm starts, and writes where their time goes to
// docs/performance.svg and into docs/performance.md. As root, for tracefs; what is measured runs as NAME. In: nothing.
// Out: the two files. Next: events.ts, timeline.ts, picture.ts.
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { root } from "../../src/build/problem.ts";
import { sides } from "../jail.ts";
import { BenchProblem } from "../problem.ts";
import { summarize } from "../statistics.ts";
import { parseTrace, splitStarts } from "./events.ts";
import { type Bar, drawPicture, formatSteps } from "./picture.ts";
import { attribute, average } from "./timeline.ts";

const traced = [sides.tsjail, sides.plan, "bare C program", "bubblewrap"];
/** By the program that is executed first. */
const programs: Readonly<Record<string, RegExp>> = {
  [sides.tsjail]: /\/bin\/tsjail$/,
  [sides.plan]: /\/dist\/linux-\w+\/tsjail$/,
  "bare C program": /\/floor$/,
  bubblewrap: /\/bwrap$/,
};

interface Measured {
  readonly rows: readonly { readonly sides: readonly { side: string; samples: readonly number[] }[] }[];
}

function runBench(through: readonly string[], user: string, runs: string): Measured {
  const words = [
    ...through,
    ...["setpriv", `--reuid=${user}`, `--regid=${user}`, "--init-groups", "--reset-env", "env"],
    ...[`PATH=${process.env.PATH}`, process.execPath, "--import", "tsx", join(root, "bench/run.ts")],
    ...["--json", "--runs", runs, ...traced.flatMap((side) => ["--side", side]), "warm"],
  ];
  const { status, stdout, stderr } = spawnSync(words[0] as string, words.slice(1), {
    cwd: root,
    encoding: "utf8",
    maxBuffer: 2 ** 28,
  });
  if (status !== 0) throw new BenchProblem(stderr.trim() || `the benchmark ended with status ${status}`);
  return JSON.parse(stdout);
}

/** A tracer of our own, so that nobody else's settings matter. */
function withTracer<T>(work: (tracer: string) => T): T {
  const tracer = "/sys/kernel/tracing/instances/tsjail-bench";
  if (!existsSync("/sys/kernel/tracing/events/syscalls"))
    throw new BenchProblem(
      "there is no tracefs with system calls: mount -t tracefs tracefs /sys/kernel/tracing",
    );
  if (existsSync(tracer)) rmdirSync(tracer);
  mkdirSync(tracer);
  const set = (file: string, text: string) => writeFileSync(join(tracer, file), text);
  try {
    set("trace_clock", "mono");
    set("buffer_size_kb", "131072");
    set("options/event-fork", "1");
    for (const event of ["syscalls", "sched/sched_process_fork"]) set(`events/${event}/enable`, "1");
    for (const event of ["process_exec", "process_exit", "switch"])
      set(`events/sched/sched_${event}/enable`, "1");
    return work(tracer);
  } finally {
    rmdirSync(tracer);
  }
}

function record(user: string, runs: string): { text: string; measured: Measured } {
  return withTracer((tracer) => {
    const watched = ["/bin/sh", "-c", 'echo $$ >"$0/set_event_pid"; exec "$@"', tracer];
    const measured = runBench(watched, user, runs);
    writeFileSync(join(tracer, "tracing_on"), "0");
    const { stdout } = spawnSync("cat", [join(tracer, "trace")], { encoding: "utf8", maxBuffer: 2 ** 30 });
    return { text: stdout, measured };
  });
}

/** The last ones are those that were measured; before them are trials and warm-ups. */
function makeBars(text: string, measured: Measured): Bar[] {
  const starts = splitStarts(parseTrace(text));
  return listSides(measured).map(({ side, samples }) => {
    const own = starts.filter(({ file }) => programs[side]?.test(file)).slice(-samples.length);
    if (own.length < samples.length) throw new BenchProblem(`the trace has lost starts of ${side}`);
    return { name: side, shares: average(own.map(attribute)) };
  });
}

const listSides = ({ rows }: Measured) => (rows[0]?.sides ?? []).filter(({ samples }) => samples.length > 0);

const medians = (measured: Measured): string =>
  listSides(measured)
    .map(({ side, samples }) => `${side} ${(summarize(samples).median / 1e6).toFixed(2)} ms`)
    .join(", ");

function replaceBetween(text: string, name: string, content: string): string {
  const pattern = new RegExp(`(<!-- ${name} -->\n)[\\s\\S]*?(<!-- end of ${name} -->)`);
  if (!pattern.test(text)) throw new BenchProblem(`docs/performance.md has no place for ${name}`);
  return text.replace(pattern, (_, start, end) => `${start}\n${content}\n\n${end}`);
}

function main(): void {
  const { values } = parseArgs({
    options: {
      user: { type: "string" },
      runs: { type: "string", default: "400" },
      out: { type: "string", default: join(root, "docs") },
    },
  });
  if (process.getuid?.() !== 0 || values.user === undefined)
    throw new BenchProblem("the kernel's tracer is for root: sudo node --import tsx … --user NAME");
  const plain = runBench([], values.user, values.runs);
  const { text, measured } = record(values.user, values.runs);
  const bars = makeBars(text, measured);
  if (bars.length === 0) throw new BenchProblem("nothing was measured");
  const title = "A start of /bin/true in the same sandbox, µs (mean of the middle half of the starts)";
  writeFileSync(join(values.out, "performance.svg"), drawPicture(title, bars));
  const page = join(values.out, "performance.md");
  const table = `${formatSteps(bars)}\n\nMedians of whole starts with the tracer: ${medians(measured)}; without it: ${medians(plain)}.`;
  if (existsSync(page)) writeFileSync(page, replaceBetween(readFileSync(page, "utf8"), "trace", table));
  console.log(table);
}

try {
  main();
} catch (error) {
  if (!(error instanceof BenchProblem) && !(error instanceof TypeError)) throw error;
  console.error(`trace: ${error.message}`);
  process.exitCode = 1;
}
