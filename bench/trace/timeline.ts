// Where the time of one start goes: every microsecond belongs to one step. In: a start's events. Out: µs by step. At each
// moment the innermost process that isn't waiting for another one is taken to be at work; if all wait, a wake-up is under
// way. Next: picture.ts.
import type { Event, Start } from "./events.ts";
import { type Step, stepNames, stepOfCall, waitingCalls } from "./steps.ts";

interface Process {
  readonly depth: number;
  readonly parent: number;
  /** The system call that it is in. */
  call: string | undefined;
  lastCall: string | undefined;
  isAsleep: boolean;
  /** It has slept in the call that it is in, or was in last. */
  hasSlept: boolean;
  execs: number;
  hasChildren: boolean;
  isExiting: boolean;
  isGone: boolean;
}

const makeProcess = (depth: number, parent: number): Process => {
  const nothing = { call: undefined, lastCall: undefined, isAsleep: false, hasSlept: false, execs: 0 };
  return { depth, parent, ...nothing, hasChildren: false, isExiting: false, isGone: false };
};

export type Shares = Readonly<Record<Step, number>>;

interface Walk {
  readonly processes: Map<number, Process>;
  /** How often the first process becomes another program: a script, then what it stands for. */
  readonly execs: number;
  /** The process that becomes the command, the last that executes anything. */
  readonly command: number;
  /** They end by exit(2), not exit_group(2). */
  readonly threads: ReadonlySet<number>;
}

export function attribute({ events, runner }: Start): Shares {
  const first = events.find(({ kind }) => kind === "fork")?.child ?? 0;
  const execs = events.filter(({ kind }) => kind === "exec");
  const walk: Walk = {
    processes: new Map([[runner, makeProcess(0, 0)]]),
    execs: execs.filter(({ pid }) => pid === first).length,
    command: execs.at(-1)?.pid ?? 0,
    threads: new Set(
      events.flatMap(({ kind, name, pid }) => (kind === "enter" && name === "exit" ? pid : [])),
    ),
  };
  const shares = Object.fromEntries(stepNames.map((step) => [step, 0])) as Record<Step, number>;
  let last = events[0]?.at ?? 0;
  for (const event of events) {
    shares[findStep(walk)] += event.at - last;
    last = event.at;
    apply(walk, event);
  }
  return shares;
}

function findStep(walk: Walk): Step {
  let found: readonly [number, Process] | undefined;
  for (const [pid, process] of walk.processes) {
    if (process.isGone || isWaiting(process)) continue;
    if (found === undefined || process.depth >= found[1].depth) found = [pid, process];
  }
  if (found === undefined) return "waiting";
  const [pid, process] = found;
  // The runner: at the start it forks, afterwards it is on its way back from wait4(2).
  if (process.depth === 0) return process.hasChildren ? "waiting" : "spawn";
  if (process.isExiting) return "end";
  if (process.hasSlept) return "waiting"; // on its way back
  if (pid === walk.command && process.depth > 1) return process.execs > 0 ? "command" : "launch";
  return process.depth === 1 ? stepOfFirst(process, walk.execs) : stepOfInner(process);
}

const isWaiting = ({ call, isAsleep }: Process): boolean =>
  call !== undefined && isAsleep && waitingCalls.has(call);

const isClone = (call: string | undefined): boolean => /^(clone3?|vfork|unshare)$/.test(call ?? "");

function stepOfFirst(process: Process, execs: number): Step {
  if (process.execs === 0) return "spawn";
  if (process.execs < execs) return "shell";
  if (isClone(process.call)) return "namespaces";
  return process.hasChildren ? "ids" : "prepare";
}

function stepOfInner(process: Process): Step {
  const call = process.call ?? process.lastCall;
  if (call === undefined) return "namespaces";
  if (call === "unshare") return "namespaces";
  return isClone(call) ? "launch" : stepOfCall(call);
}

function apply({ processes, threads }: Walk, event: Event): void {
  const process = processes.get(event.pid);
  if (process === undefined) return;
  switch (event.kind) {
    case "fork":
      process.hasChildren = true;
      // A thread works beside the process: it counts where that waits for it.
      processes.set(
        event.child,
        makeProcess(process.depth + (threads.has(event.child) ? -0.5 : 1), event.pid),
      );
      break;
    case "exec":
      process.execs++;
      break;
    case "sleep":
      process.isAsleep = true;
      process.hasSlept = waitingCalls.has(process.call ?? "");
      break;
    case "run":
      process.isAsleep = false;
      break;
    case "enter":
      process.call = event.name;
      process.hasSlept = false;
      if (/^exit(_group)?$/.test(event.name)) process.isExiting = true;
      break;
    case "exit":
      process.isExiting = true;
      process.isGone ||= threads.has(event.pid);
      break;
    case "leave":
      if (/^wait(4|id)$/.test(event.name)) bury(processes, event.pid);
      process.lastCall = event.name;
      process.call = undefined;
  }
}

/** An exit takes until the parent's wait(2) returns: namespaces and mounts are taken apart before that. */
function bury(processes: Map<number, Process>, parent: number): void {
  for (const process of processes.values())
    if (process.parent === parent && process.isExiting) process.isGone = true;
}

const sum = (shares: Shares): number => stepNames.reduce((total, step) => total + shares[step], 0);

/** The mean over the middle half of the starts: steps of a mean add up, those of medians don't. */
export function average(all: readonly Shares[]): Shares {
  const sorted = [...all].sort((a, b) => sum(a) - sum(b));
  const middle = sorted.slice(Math.floor(sorted.length / 4), Math.ceil((sorted.length * 3) / 4));
  return Object.fromEntries(
    stepNames.map((step) => [
      step,
      middle.reduce((total, shares) => total + shares[step], 0) / middle.length,
    ]),
  ) as Record<Step, number>;
}

export const total = sum;
