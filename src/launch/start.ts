// In: the executor's path, a plan as bytes, the command's words. Out: nothing: the plan goes to the executor that has
// started Node and waits (native/node.c), and this process ends. Where none does, this process becomes the executor;
// before that everything that Node changed in its process is put back, since it survives execve(2).
import { readFileSync, statSync, writeSync } from "node:fs";
import { constants } from "node:os";
import { TsjailError } from "../error.ts";
import { NativeError } from "../native-error.ts";
import { quoteWord } from "../plan/escape.ts";
import { keepCompiledCode } from "./code.ts";
import type { Desk, Front } from "./front.ts";

export interface Launch {
  readonly executor: string;
  readonly plan: Uint8Array;
  /** Keeps what this start has made, for the next one; when the jail starts already, where that can be. */
  readonly keep: (() => void) | undefined;
  /** The last words of our own argv; empty for the plan's own command. */
  readonly command: readonly string[];
  /** Descriptors of the caller's, beside 0, 1 and 2, that the executor needs. */
  readonly keepFds: readonly number[];
  /** What Node has changed of the caller's: the soft limit of open files is raised, and no signal is ignored. */
  readonly front: Front;
  readonly environment: Readonly<Record<string, string | undefined>>;
}

/** @throws TsjailError `executor_missing` when the executor can't be executed, `host_unsupported` before that */
export async function startJail(launch: Launch): Promise<never> {
  const { desk } = launch.front;
  if (desk !== undefined && isParent(launch.executor)) return handOver(launch, desk);
  const native = await import("../native.ts");
  try {
    const argv = prepareProcess(launch, native);
    launch.keep?.();
    keepCompiledCode();
    return native.execute(launch.executor, argv, encodeEnvironment(launch.environment));
  } catch (error) {
    if (!(error instanceof NativeError)) throw error;
    if (error.call !== "execve") {
      throw new TsjailError("host_unsupported", `The executor can't be prepared: ${error.message}.`, {
        hint: "`tsjail doctor` shows what this machine permits.",
        cause: error,
      });
    }
    throw new TsjailError("executor_missing", `The executor can't be started (${error.code}).`, {
      detail: `The executor is ${quoteWord(launch.executor)}`,
      hint: explainExecve(error.code),
      cause: error,
    });
  }
}

/** TSJAIL_EXECUTOR may name another one than that which has started us. */
function isParent(executor: string): boolean {
  try {
    const [one, other] = [executor, `/proc/${process.ppid}/exe`].map((path) =>
      statSync(path, { bigint: true }),
    );
    return one?.ino === other?.ino && one?.dev === other?.dev;
  } catch {
    return false;
  }
}

/** To the executor that has started us and waits (native/node.c). */
function handOver({ plan, command, keep }: Launch, desk: Desk): never {
  writePlan(desk.plan, plan);
  writeSync(desk.ready, BigUint64Array.of(BigInt(command.length + 1)));
  // From here on nobody must hear of us.
  try {
    keep?.();
    keepCompiledCode();
  } finally {
    // At an ordinary end Node would put the terminal back to what it was, and it is the jail's by now.
    process.kill(process.pid, "SIGKILL");
  }
  throw new TsjailError("internal", "Node goes on after its end.");
}

/** @returns the executor's argv */
function prepareProcess(launch: Launch, native: typeof import("../native.ts")): Uint8Array[] {
  const planFd = native.createMemoryFile("tsjail-plan");
  writePlan(planFd, launch.plan);
  native.sealMemoryFile(planFd);
  // Node sets FD_CLOEXEC on all that it inherits (uv_disable_stdio_inheritance).
  for (const fd of [0, 1, 2, planFd, ...launch.keepFds]) native.keepOnExec(fd);
  native.limitOpenFiles(launch.front.nofile.soft);
  // Node's handlers for these two raise the signal again, from whichever thread has got it: execve(2), which ends all
  // other threads, could come between, and the signal would be lost.
  native.restoreDefaultSignal(constants.signals.SIGINT);
  native.restoreDefaultSignal(constants.signals.SIGTERM);
  // Node ignores these two; execve(2) puts handlers back to the default, but not what is ignored.
  native.restoreDefaultSignal(constants.signals.SIGPIPE);
  native.restoreDefaultSignal(constants.signals.SIGXFSZ);
  for (let number = 1n; number <= 64n; number++) {
    if ((launch.front.ignoredSignals >> (number - 1n)) & 1n) native.ignoreSignal(Number(number));
  }
  const argv: Uint8Array[] = ["tsjail", "--plan-fd", String(planFd)].map((word) => Buffer.from(word));
  if (launch.command.length > 0) argv.push(Buffer.from("--"), ...encodeWords(launch.command));
  return argv;
}

function explainExecve(code: string): string {
  if (code === "E2BIG") return "The words of the command are too long in sum: pass them in a file instead.";
  return "Is it a program for this processor, on a file system that is not mounted noexec?";
}

/** @throws TsjailError `start_failed` where the caller may not write a file of that size, and memory counts as one */
function writePlan(fd: number, bytes: Uint8Array): void {
  let written = 0;
  try {
    while (written < bytes.length) written += writeSync(fd, bytes, written);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EFBIG") throw error;
    const limit = `The limit on the size of files, RLIMIT_FSIZE, is below the ${bytes.length} bytes of the plan`;
    throw new TsjailError("start_failed", "The plan can't be handed to the executor: EFBIG.", {
      detail: `${limit}; it holds for files in memory, too (setrlimit(2)).`,
      hint: "Raise it where tsjail is started: ulimit -f unlimited\nFor the command alone, the profile can lower it: rlimits.fsize",
      cause: error,
    });
  }
}

/** As with the words: a value that is not UTF-8 is still in /proc/self/environ. */
function encodeEnvironment(environment: Launch["environment"]): Uint8Array[] {
  const entries = Object.entries(environment).flatMap(([name, value]) =>
    value === undefined ? [] : [`${name}=${value}`],
  );
  if (!entries.some((entry) => entry.includes("\uFFFD"))) return entries.map((entry) => Buffer.from(entry));
  const raw = splitAtNul(readFileSync("/proc/self/environ"));
  const known = new Map(raw.map((bytes) => [Buffer.from(bytes).toString(), bytes]));
  return entries.map((entry) => known.get(entry) ?? Buffer.from(entry));
}

/** Node has decoded argv as UTF-8 and lost what isn't; the kernel still has the bytes. */
export function encodeWords(words: readonly string[], commandLine = "/proc/self/cmdline"): Uint8Array[] {
  const decoded = words.map((word) => Buffer.from(word));
  if (!words.some((word) => word.includes("\uFFFD"))) return decoded;
  const raw = splitAtNul(readFileSync(commandLine)).slice(-words.length);
  // Not ours: someone has set process.title, which overwrites that memory.
  const isOurs = (bytes: Uint8Array, index: number) => Buffer.from(bytes).toString() === words[index];
  return raw.length === words.length && raw.every(isOurs) ? raw : decoded;
}

function splitAtNul(bytes: Buffer): Uint8Array[] {
  const parts: Uint8Array[] = [];
  for (let start = 0; start < bytes.length; ) {
    const end = bytes.indexOf(0, start);
    parts.push(bytes.subarray(start, end === -1 ? bytes.length : end));
    start = end === -1 ? bytes.length : end + 1;
  }
  return parts;
}
