// What the rows measure with: sides are tried once, then handed to the programs of bench/native, which start and time
// them. In: sides. Out: entries with samples, or with the reason why there are none. Next: rows/.
import { spawnSync } from "node:child_process";
import { existsSync, readdirSync, rmSync } from "node:fs";
import { basename, join } from "node:path";
import { root } from "../src/build/problem.ts";
import { findProgram, type Peer } from "./peers.ts";
import { BenchProblem } from "./problem.ts";
import type { Entry } from "./row.ts";
import type { Scratch } from "./scratch.ts";

/** A command line to measure. */
export interface Side {
  readonly side: string;
  /** The program by its whole path. */
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** A file that is descriptor 3. */
  readonly plan?: string;
  /** A directory that is emptied before each start. */
  readonly emptied?: string;
  readonly note?: string;
}

export type Candidate = Side | { readonly side: string; readonly missing: string };

export interface Bench {
  readonly runs: number;
  /** The sides to measure; empty for all. */
  readonly only: readonly string[];
  readonly scratch: Scratch;
}

/** A peer's side; missing where the peer is. */
export function peerSide(bench: Bench, peer: Peer, words: readonly string[], note?: string): Candidate {
  const program = findProgram(peer.program, bench.scratch.env.PATH ?? "");
  if (program === undefined) return { side: peer.name, missing: `not installed (${peer.install})` };
  const env = bench.scratch.env;
  return { side: peer.name, argv: [program, ...words], env, ...(note === undefined ? {} : { note }) };
}

const plain = /^[\w@%+=:,./-]+$/;
const quote = (word: string): string => (plain.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`);

/** Without the names of this machine's directories. */
const hidePlaces = (bench: Bench, text: string): string =>
  text.replaceAll(bench.scratch.directory, "$SCRATCH").replaceAll(`${root}/`, "").replaceAll(root, ".");

/** As a person would type it, and not too long. */
export function formatCommand(bench: Bench, { argv, plan }: Side): string {
  const [program = "", ...rest] = argv;
  const isOurs = [root, bench.scratch.directory].some((place) => program.startsWith(`${place}/`));
  const words = hidePlaces(bench, [isOurs ? program : basename(program), ...rest].map(quote).join(" "));
  const line = words.length > 400 ? `${words.slice(0, 330)} … ${words.slice(-60)}` : words;
  return plan === undefined ? line : `${line} 3<PLAN`;
}

const firstLine = (text: string): string | undefined =>
  text
    .split("\n")
    .map((line) => line.trim())
    .find((line) => line !== "");

export interface Trial {
  readonly milliseconds: number;
  /** Why it can't be measured. */
  readonly missing?: string;
}

/** Layers have directories that even their owner can't read. */
export function emptyDirectory(directory: string): void {
  if (!existsSync(directory)) return;
  spawnSync("chmod", ["-R", "u+rwx", directory]);
  for (const name of readdirSync(directory)) rmSync(join(directory, name), { recursive: true });
}

/** A program that hangs is a missing one. */
const patience = 120_000;

/** Runs a side once, to its end. What it says when it fails is the reason shown. */
export function trySide({ argv, env, plan, emptied }: Side): Trial {
  if (emptied !== undefined) emptyDirectory(emptied);
  const words = plan === undefined ? argv : ["/bin/sh", "-c", 'exec 3<"$0"; exec "$@"', plan, ...argv];
  const started = performance.now();
  const result = spawnSync(words[0] as string, words.slice(1), {
    env,
    stdio: ["ignore", "ignore", "pipe"],
    encoding: "utf8",
    timeout: patience,
  });
  const milliseconds = performance.now() - started;
  if (result.status === 0) return { milliseconds };
  const said = firstLine(stripWarnings(result.stderr ?? ""));
  const end = result.error?.message ?? `exit status ${result.status ?? result.signal}`;
  return { milliseconds, missing: said === undefined ? end : `${end}: ${said.slice(0, 160)}` };
}

function stripWarnings(text: string): string {
  return text
    .split("\n")
    .filter((line) => !/\bwarning\b/i.test(line))
    .join("\n");
}

interface Ready {
  readonly side: Side;
  readonly milliseconds: number;
}

/** Tries all; those that work, and entries for those that don't. */
export function sortOut(
  bench: Bench,
  candidates: readonly Candidate[],
): { ready: Ready[]; missing: Entry[] } {
  const ready: Ready[] = [];
  const missing: Entry[] = [];
  for (const candidate of candidates) {
    if (bench.only.length > 0 && !bench.only.includes(candidate.side)) continue;
    if ("missing" in candidate) {
      missing.push({ ...candidate, samples: [] });
      continue;
    }
    const trial = trySide(candidate);
    if (trial.missing === undefined) ready.push({ side: candidate, milliseconds: trial.milliseconds });
    else missing.push({ side: candidate.side, samples: [], missing: hidePlaces(bench, trial.missing) });
  }
  return { ready, missing };
}

/** A fast side is run `runs` times, one that takes long fewer times, so that none takes up the whole run. */
export function chooseRuns(runs: number, milliseconds: number): number {
  return Math.max(Math.min(runs, 5), Math.min(runs, Math.round((runs * 50) / milliseconds)));
}

/** The order of the candidates, whatever became of them. */
function putInOrder(candidates: readonly Candidate[], entries: readonly Entry[]): Entry[] {
  return candidates.flatMap(({ side }) => entries.filter((entry) => entry.side === side));
}

type Line = readonly number[];

/** From start to end, in ns. */
export const measureTimes = (bench: Bench, candidates: readonly Candidate[]): Entry[] =>
  measureStarts(bench, candidates).times;

/** Times, and of the same starts the most resident memory that one process of each had, in bytes. */
export function measureStarts(
  bench: Bench,
  candidates: readonly Candidate[],
): { times: Entry[]; peaks: Entry[] } {
  const { ready, missing } = sortOut(bench, candidates);
  if (ready.length === 0) return { times: missing, peaks: missing };
  const sides = ready.map(({ side, milliseconds }) => ({
    ...side,
    runs: chooseRuns(bench.runs, milliseconds),
  }));
  // All have been tried once: where that takes seconds, it is warm-up enough.
  const warmups = ready.some(({ milliseconds }) => milliseconds > 500) ? 0 : Math.min(3, bench.runs);
  const lines = runTool(bench.scratch.times, [String(bench.runs), String(warmups)], sides);
  const convert = (toFigure: (line: Line) => number) =>
    putInOrder(candidates, [...missing, ...toEntries(bench, sides, lines, toFigure)]);
  return {
    times: convert(([, ns = 0]) => ns),
    peaks: convert(([, , , kilobytes = 0]) => kilobytes * 1024),
  };
}

/** From the first byte to the last, in bytes a second. */
export function measureStream(
  bench: Bench,
  kind: "pipe" | "pty",
  bytes: number,
  candidates: readonly Candidate[],
): Entry[] {
  const { ready, missing } = sortOut(bench, candidates);
  const sides = ready.map(({ side }) => ({ ...side, runs: 1 }));
  const rounds = Math.max(3, Math.ceil(bench.runs / 3));
  const lines = runTool(bench.scratch.stream, [kind, String(bytes), String(rounds)], sides);
  const toSpeed = ([, ns = 0]: Line) => (bytes * 1e9) / ns;
  return putInOrder(candidates, [...missing, ...toEntries(bench, sides, lines, toSpeed)]);
}

export interface Crowd {
  /** From the first start to the last end. */
  readonly nanoseconds: number;
  readonly bytes: number;
}

/** Starts `count` jails whose command is `inside idle`, lets them go when all run. */
export function runCrowd(bench: Bench, side: Side, count: number, kind: "available" | "pss"): Crowd {
  const words = kind === "pss" ? [String(count), "pss"] : [String(count)];
  const [line] = runTool(bench.scratch.crowd, words, [{ ...side, runs: 1 }]);
  const [nanoseconds = 0, bytes = 0, failed = 0] = line ?? [];
  if (failed > 0) throw new BenchProblem(`${failed} of ${count} did not run`);
  return { nanoseconds, bytes };
}

type Counted = Side & { readonly runs: number };

function encodeSides(sides: readonly Counted[]): string {
  const words = sides.flatMap(({ runs, plan, emptied, argv, env }) => {
    const variables = Object.entries(env).map(([name, value]) => `${name}=${value}`);
    return [
      String(runs),
      plan ?? "",
      emptied ?? "",
      String(argv.length),
      ...argv,
      String(variables.length),
      ...variables,
    ];
  });
  return [String(sides.length), ...words].map((word) => `${word}\0`).join("");
}

/** @returns the numbers of each line @throws BenchProblem with what the program said */
function runTool(program: string, words: readonly string[], sides: readonly Counted[]): number[][] {
  const { status, stdout, stderr, error } = spawnSync(program, words, {
    input: encodeSides(sides),
    encoding: "utf8",
    maxBuffer: 2 ** 28,
  });
  if (status !== 0) throw new BenchProblem(firstLine(stderr ?? "") ?? error?.message ?? "it was ended");
  return stdout
    .trim()
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => line.split(" ").map(Number));
}

/** One that failed in between is missing: its times are those of something else. */
function toEntries(
  bench: Bench,
  sides: readonly Side[],
  lines: readonly Line[],
  convert: (line: Line) => number,
): Entry[] {
  return sides.map((side, index) => {
    const own = lines.filter(([number]) => number === index);
    const failed = own.filter(([, , status]) => status !== 0);
    const name = side.side;
    if (failed.length > 0)
      return {
        side: name,
        samples: [],
        missing: `${failed.length} of ${own.length} runs failed (exit status ${failed[0]?.[2]})`,
      };
    return {
      side: name,
      samples: own.map(convert),
      command: formatCommand(bench, side),
      ...(side.note === undefined ? {} : { note: side.note }),
    };
  });
}
