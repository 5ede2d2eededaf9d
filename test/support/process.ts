// Processes as a test sees them. In: a child, or a marker that stands in the command lines of a jail. Out: what the
// child said and how it ended, or who of them is still alive. Next to executor.ts and terminal.ts.
import type { ChildProcess } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";

export interface Outcome {
  status: number | null;
  signal: NodeJS.Signals | null;
  stdout: string;
  stderr: string;
}

export interface Watched {
  readonly child: ChildProcess;
  readonly stdout: () => string;
  /** Resolves when standard output contains the text. */
  waitFor(text: string): Promise<void>;
  /** Rejected only when the time is over. */
  readonly ended: Promise<Outcome>;
}

/** What a process says until it ends; after `limit` seconds it is killed, and that is an error. */
export function watch(child: ChildProcess, limit = 20): Watched {
  const [out, err]: [Buffer[], Buffer[]] = [[], []];
  const stdout = () => Buffer.concat(out).toString();
  child.stdout?.on("data", (bytes: Buffer) => out.push(bytes));
  child.stderr?.on("data", (bytes: Buffer) => err.push(bytes));
  const ended = new Promise<Outcome>((resolve, reject) => {
    const timer = setTimeout(() => {
      child.kill("SIGKILL");
      reject(new Error(`not ended after ${limit} s; it said: ${Buffer.concat([...out, ...err])}`));
    }, limit * 1000);
    child.once("error", reject);
    child.once("close", (status, signal) => {
      clearTimeout(timer);
      resolve({ status, signal, stdout: stdout(), stderr: Buffer.concat(err).toString() });
    });
  });
  // Whoever only waits for a text would otherwise end with an unhandled rejection.
  ended.catch(() => {});
  const waitFor = async (text: string): Promise<void> => {
    let over: Outcome | undefined;
    ended.then(
      (outcome) => (over = outcome),
      () => {},
    );
    await until(
      () => stdout().includes(text) || over !== undefined,
      `${JSON.stringify(text)} to be written`,
      limit,
    );
    if (stdout().includes(text)) return;
    throw new Error(`it ended without ${JSON.stringify(text)}: ${JSON.stringify(over)}`);
  };
  return { child, stdout, waitFor, ended };
}

/** Waits until it is so; after `limit` seconds that is an error. */
export async function until(isSo: () => boolean, what: string, limit = 10): Promise<void> {
  const end = performance.now() + limit * 1000;
  while (!isSo()) {
    if (performance.now() > end) throw new Error(`waited ${limit} s for ${what}`);
    await pause(10);
  }
}

export const pause = (milliseconds: number): Promise<void> => {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
};

export interface Living {
  pid: number;
  /** D: the kernel can't end it yet, whatever signal it has got (proc_pid_stat(5)). */
  state: string;
  parent: number;
  group: number;
  session: number;
  words: string;
}

/** SIGKILL is pending (proc_pid_status(5)): it will do nothing more, though on a busy machine it may wait for a processor
 * to end on, or, as init, for others that do. */
function isKilled(pid: string): boolean {
  const status = readFileSync(`/proc/${pid}/status`, "latin1");
  return [...status.matchAll(/^S(?:ig|hd)Pnd:\s*([0-9a-f]+)$/gm)].some(
    ([, bits]) => (BigInt(`0x${bits}`) & (1n << 8n)) !== 0n,
  );
}

/** Every process that is not at its end. */
export function listProcesses(): Living[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name): Living[] => {
      try {
        const stat = readFileSync(`/proc/${name}/stat`, "latin1");
        const [state, parent, group, session] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
        if (state === "Z" || state === "X" || isKilled(name)) return [];
        const words = readFileSync(`/proc/${name}/cmdline`, "latin1").replaceAll("\0", " ").trim();
        return [
          {
            pid: Number(name),
            state: state ?? "",
            parent: Number(parent),
            group: Number(group),
            session: Number(session),
            words,
          },
        ];
      } catch {
        return []; // it has ended meanwhile
      }
    });
}

/** Those with the marker in their command line, and those in a process group: init forgets its command line. */
export function findLeft(marker: string, group?: number): Living[] {
  return listProcesses().filter(
    (one) =>
      one.pid !== process.pid && (one.words.includes(marker) || one.group === group || one.session === group),
  );
}

let markers = 0;
/** A word that no other process has. */
export const makeMarker = (): string => `marker-${process.pid}-${markers++}-${Date.now().toString(36)}`;

/** A field of /proc/PID/status as text, from what `cat` printed. */
export function readField(status: string, name: string): string {
  const match = new RegExp(`^${name}:\\s*(.*)$`, "m").exec(status);
  if (match === null) throw new Error(`no field ${name} in ${JSON.stringify(status)}`);
  return match[1] as string;
}
