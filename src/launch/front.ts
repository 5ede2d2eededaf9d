// In: what the executor's front mode noted before Node started. Out: the caller's file limit and ignored signals.
// Node raises the one and resets some of the other at its start, so process itself can't be asked (start.ts).
import { readNote } from "../facts/note.ts";
import { readFile } from "../host/file.ts";
import { decodeText } from "../host/host.ts";
import { infinity } from "../plan/operations.ts";

/** RLIMIT_NOFILE; `infinity` of src/plan/operations.ts stands for unlimited. */
export interface Limit {
  readonly soft: bigint;
  readonly hard: bigint;
}

/** The executor waits for a plan. Descriptors: */
export interface Desk {
  /** To write it to. */
  readonly plan: number;
  /** An eventfd(2) to say that it is complete. */
  readonly ready: number;
}

export interface Front {
  readonly nofile: Limit;
  /** Bit n-1 for signal n. */
  readonly ignoredSignals: bigint;
  /** The directory of the package as bin/tsjail wrote it; undefined where nothing of ours started Node. */
  readonly packageWord?: string | undefined;
  readonly desk?: Desk | undefined;
}

/** Reads "version=0.1.0 nofile=1024:524288 ignored=0x0 package=/opt/tsjail"; undefined when a part is missing or malformed. */
export function parseFront(text: string): Front | undefined {
  const nofile = /^(\d+|unlimited):(\d+|unlimited)$/.exec(readNote(text, "nofile") ?? "");
  const ignored = readNote(text, "ignored") ?? "";
  if (nofile === null || !/^0x[0-9a-f]{1,16}$/i.test(ignored)) return undefined;
  const [plan, ready] = [readNote(text, "plan"), readNote(text, "ready")];
  return {
    nofile: { soft: parseLimit(nofile[1]), hard: parseLimit(nofile[2]) },
    ignoredSignals: BigInt(ignored),
    packageWord: readNote(text, "package") || undefined,
    ...(plan !== undefined && ready !== undefined && { desk: { plan: Number(plan), ready: Number(ready) } }),
  };
}

/** The process that the caller has started: the executor that waits for us, or this one. */
export function findCallersProcess({ desk }: Front): number {
  return desk === undefined ? process.pid : process.ppid;
}

/** "Max open files" of /proc/PID/limits (proc_pid_limits(5)). */
export function parseLimits(text: string): Limit | undefined {
  const match = /^Max open files\s+(\d+|unlimited)\s+(\d+|unlimited)\s/m.exec(text);
  return match === null ? undefined : { soft: parseLimit(match[1]), hard: parseLimit(match[2]) };
}

/** Without the front mode, the parent's limit stands in for the caller's, and no signal counts as ignored. */
export function readFront(text: string | undefined, parentPid: number): Front {
  const front = text === undefined ? undefined : parseFront(text);
  if (front !== undefined) return front;
  for (const pid of [parentPid, "self"]) {
    const nofile = parseLimits(decodeText(readFile(`/proc/${pid}/limits`)) ?? "");
    if (nofile !== undefined) return { nofile, ignoredSignals: 0n };
  }
  // What nearly every system starts with; 1024 is the most that select(2) can take.
  return { nofile: { soft: 1024n, hard: 4096n }, ignoredSignals: 0n };
}

function parseLimit(word: string | undefined): bigint {
  return word === undefined || word === "unlimited" ? infinity : BigInt(word);
}
