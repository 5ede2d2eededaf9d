// What idle jails take: the memory of one, and how fast a thousand are started and stopped. In: a Bench. Out: entries.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import {
  type Bench,
  type Candidate,
  type Crowd,
  formatCommand,
  peerSide,
  runCrowd,
  type Side,
  sortOut,
} from "../bench.ts";
import { formatValue } from "../format.ts";
import { jailSides, judged, measureWarm, shipped } from "../jail.ts";
import { peers } from "../peers.ts";
import { BenchProblem } from "../problem.ts";
import type { Entry, Row } from "../row.ts";
import { quantile } from "../statistics.ts";
import { bubblewrapWords } from "./start.ts";

const most = 1000;

function listSides(bench: Bench): Candidate[] {
  const command = [bench.scratch.inside, "idle"];
  return [
    ...jailSides(bench, shipped("warm"), command),
    peerSide(bench, peers.bubblewrap, [...bubblewrapWords, ...command]),
  ];
}

/** One round of each in turn; a side that fails is left out with the reason. */
function takeTurns<T>(
  sides: readonly Side[],
  rounds: number,
  run: (side: Side) => T,
): Map<string, T[] | string> {
  const results = new Map<string, T[] | string>(sides.map(({ side }) => [side, []]));
  for (let round = 0; round < rounds; round++) {
    for (const side of sides) {
      const list = results.get(side.side);
      if (!Array.isArray(list)) continue;
      try {
        list.push(run(side));
      } catch (error) {
        if (!(error instanceof BenchProblem)) throw error;
        results.set(side.side, error.message);
      }
    }
  }
  return results;
}

function measureTurns<T>(
  bench: Bench,
  candidates: readonly Candidate[],
  rounds: number,
  run: (side: Side) => T,
  finish: (results: readonly T[]) => { samples: readonly number[]; note?: string },
): Entry[] {
  const { ready, missing } = sortOut(bench, candidates);
  const results = takeTurns(
    ready.map(({ side }) => side),
    rounds,
    run,
  );
  const measured = ready.map(({ side }): Entry => {
    const list = results.get(side.side);
    if (!Array.isArray(list)) return { side: side.side, samples: [], missing: list ?? "not run" };
    return { side: side.side, command: formatCommand(bench, side), ...finish(list) };
  });
  return candidates.flatMap(({ side }) => [...missing, ...measured].filter((one) => one.side === side));
}

export const memory: Row = {
  name: "memory",
  title: "Resident memory of one idle jail's own processes (PSS)",
  unit: "memory",
  peer: "bubblewrap",
  targets: [
    { sides: judged, peer: "bubblewrap", atMost: 0.3 },
    { sides: judged, peer: "sandbox-runtime", atMost: 0.003 },
  ],
  about:
    "Pss of /proc/PID/smaps_rollup, summed over every process but the command. What the kernel keeps for namespaces " +
    "and mounts is not in it: that is in the next row.",
  measure: (bench) => {
    const command = [bench.scratch.inside, "idle"];
    const candidates = [...listSides(bench), peerSide(bench, peers.sandboxRuntime, command)];
    const rounds = Math.max(2, Math.min(10, Math.round(bench.runs / 20)));
    return measureWarm(bench, candidates, () =>
      measureTurns(
        bench,
        candidates,
        rounds,
        (side) => runCrowd(bench, side, 1, "pss").bytes,
        (samples) => ({ samples }),
      ),
    );
  },
};

/** Each jail takes one of each kind of namespace and at most four processes. */
function readLimit(): number {
  const read = (name: string) => Number(readFileSync(join("/proc/sys", name), "utf8"));
  const kinds = ["cgroup", "ipc", "mnt", "net", "pid", "user", "uts"];
  const namespaces = kinds.map((kind) => read(`user/max_${kind}_namespaces`));
  const processes = /^Max processes\s+(\d+|unlimited)/m.exec(readFileSync("/proc/self/limits", "utf8"))?.[1];
  const limit = processes === "unlimited" ? Number.POSITIVE_INFINITY : Number(processes);
  return Math.floor(
    0.9 * Math.min(...namespaces, limit / 4, read("kernel/pid_max") / 4, read("kernel/pty/max")),
  );
}

function summarizeCrowds(results: readonly Crowd[], count: number) {
  const bytes = results.map((one) => Math.max(one.bytes, 0) / count);
  return {
    samples: results.map(({ nanoseconds }) => (count * 1e9) / nanoseconds),
    note: `${count} at once, ${formatValue("memory", quantile(bytes, 0.5))} each`,
  };
}

export const crowd: Row = {
  name: "crowd",
  title: "1,000 jails at once, started and stopped",
  unit: "rate",
  peer: "bubblewrap",
  targets: [{ sides: judged, peer: "bubblewrap", atLeast: 1.5 }],
  about:
    "Jails a second, from the first start until all have said that their command runs, have been let go and have " +
    "ended. Memory is what MemAvailable fell by when all were up, a share for each: processes, page tables, " +
    "namespaces, mounts and the command.",
  measure: (bench) => {
    const count = Math.min(most, readLimit(), bench.runs * 10);
    const rounds = Math.max(1, Math.min(5, Math.round(bench.runs / 40)));
    const measure = (sides: readonly Candidate[]) =>
      measureTurns(
        bench,
        sides,
        rounds,
        (side) => runCrowd(bench, side, count, "available"),
        (results) => summarizeCrowds(results, count),
      );
    return measureWarm(bench, listSides(bench), measure);
  },
};
