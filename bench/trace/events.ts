// What the kernel's tracer wrote, line by line. In: the text of tracefs' `trace` file. Out: events, and those of each
// start that bench/native/times.c made. Next: timeline.ts.

export interface Event {
  /** µs of CLOCK_MONOTONIC. */
  readonly at: number;
  readonly pid: number;
  readonly command: string;
  readonly kind: "enter" | "leave" | "fork" | "exec" | "exit" | "sleep" | "run";
  /** The system call, or the file that is executed. */
  readonly name: string;
  /** Of a fork. */
  readonly child: number;
}

const line = /^\s*(.+)-(\d+)\s+\[\d+\]\s+\S+\s+(\d+)\.(\d{6}): (.*)$/;
const patterns: readonly (readonly [Event["kind"], RegExp])[] = [
  ["fork", /^sched_process_fork: .*child_pid=(\d+)/],
  ["exec", /^sched_process_exec: filename=(\S+)/],
  ["exit", /^sched_process_exit: /],
  ["leave", /^sys_(\w+) -> /],
  ["enter", /^sys_(\w+)\(/],
];

const change = /^sched_switch: .*prev_state=(\S+) ==> next_comm=(.*) next_pid=(\d+)/;

function parseLine(text: string): Event[] {
  const [, command = "", pid, seconds, micros, what = ""] = line.exec(text) ?? [];
  if (pid === undefined) return [];
  const event = { at: Number(seconds) * 1e6 + Number(micros), pid: Number(pid), command, name: "", child: 0 };
  const [, state, next = "", nextPid] = change.exec(what) ?? [];
  if (state !== undefined) {
    const run: Event = { ...event, kind: "run", pid: Number(nextPid), command: next };
    // S: until somebody wakes it up. D is work of the kernel's own, R the end of its turn.
    return state.startsWith("S") ? [{ ...event, kind: "sleep" }, run] : [run];
  }
  for (const [kind, pattern] of patterns) {
    const match = pattern.exec(what);
    if (match === null) continue;
    const found = match[1] ?? "";
    return [kind === "fork" ? { ...event, kind, child: Number(found) } : { ...event, kind, name: found }];
  }
  return [];
}

export function parseTrace(text: string): Event[] {
  return text.split("\n").flatMap(parseLine);
}

export interface Start {
  /** The file that was executed first. */
  readonly file: string;
  readonly runner: number;
  readonly events: readonly Event[];
}

const isSpawn = ({ kind, name }: Event) => kind === "enter" && /^(clone3?|vfork)$/.test(name);
const isReaped = ({ kind, name }: Event) => kind === "leave" && name === "wait4";

/** From the runner's clone(2) to the end of its wait4(2), with everything that descends from it. */
export function splitStarts(events: readonly Event[], runnerName = "times"): Start[] {
  const starts: Start[] = [];
  let family = new Set<number>();
  let current: Event[] | undefined;
  for (const event of events) {
    const isRunner = event.command === runnerName && !family.has(event.pid);
    if (isRunner && isSpawn(event)) {
      current = [];
      family = new Set();
    }
    if (current === undefined || !(isRunner || family.has(event.pid))) continue;
    if (event.kind === "fork") family.add(event.child);
    current.push(event);
    if (!isRunner || !isReaped(event)) continue;
    const file = current.find(({ kind }) => kind === "exec")?.name;
    if (file !== undefined) starts.push({ file, runner: event.pid, events: current });
    current = undefined;
  }
  return starts;
}
