// A terminal for a test: a pty whose other end the test holds. In: programs to start on it, keys, sizes. Out: what
// they show, the modes that they leave. Node has no call for this, so it is made through koffi.
import { type SpawnOptions, spawn } from "node:child_process";
import { closeSync, constants, openSync, readFileSync, readSync, writeSync } from "node:fs";
import koffi from "koffi";
import { pause, until, type Watched, watch } from "./process.ts";

const TCGETS = 0x5401;
const TIOCSWINSZ = 0x5414;
const TIOCSPTLCK = 0x40045431;
const TIOCGPTPEER = 0x5441;
/** struct termios of the kernel: four words of flags, the line discipline, 19 control characters. */
const termiosBytes = 36;

const libc = koffi.load(null);
const calls = {
  ioctl: libc.func("int ioctl(int fd, unsigned long request, void *argument)"),
  ioctlNumber: libc.func("int ioctl(int fd, unsigned long request, unsigned long argument)"),
};

function check(what: string, result: number): number {
  if (result === -1) throw new Error(`${what} failed, errno ${koffi.errno()}`);
  return result;
}

export interface Terminal {
  /** The end that programs have. */
  readonly slave: number;
  /** The end that a terminal emulator has. */
  readonly master: number;
  /** Everything shown so far. */
  text(): string;
  bytes(): Buffer;
  /** Waits until the text appears behind what the last call found; returns what came before it, and it. */
  waitFor(text: string | RegExp, seconds?: number): Promise<string>;
  type(text: string | Uint8Array): Promise<void>;
  resize(rows: number, columns: number): void;
  /** As hexadecimal digits, to be compared. */
  modes(): string;
  /** Starts a session with this as its controlling terminal. */
  start(words: readonly string[], options?: SpawnOptions): Watched;
  close(): void;
}

export function openTerminal(rows = 24, columns = 80): Terminal {
  const { O_RDWR, O_NOCTTY, O_NONBLOCK } = constants;
  const master = openSync("/dev/ptmx", O_RDWR | O_NOCTTY | O_NONBLOCK);
  check("TIOCSPTLCK", calls.ioctl(master, TIOCSPTLCK, new Int32Array([0])));
  const slave = check("TIOCGPTPEER", calls.ioctlNumber(master, TIOCGPTPEER, O_RDWR | O_NOCTTY));
  const chunks: Buffer[] = [];
  const text = () => Buffer.concat(chunks).toString();
  const drain = () => readAll(master, chunks);
  const timer = setInterval(drain, 5);
  let found = 0;

  const resize = (newRows: number, newColumns: number): void => {
    check("TIOCSWINSZ", calls.ioctl(master, TIOCSWINSZ, new Uint16Array([newRows, newColumns, 0, 0])));
  };
  const find = (wanted: string | RegExp): { index: number; length: number } | undefined => {
    const rest = text().slice(found);
    if (typeof wanted === "string") {
      const index = rest.indexOf(wanted);
      return index === -1 ? undefined : { index, length: wanted.length };
    }
    const match = wanted.exec(rest);
    return match === null ? undefined : { index: match.index, length: match[0].length };
  };
  const waitFor = async (wanted: string | RegExp, seconds = 10): Promise<string> => {
    try {
      await until(() => find(wanted) !== undefined, `the terminal to show ${wanted}`, seconds);
    } catch (error) {
      throw new Error(
        `${(error as Error).message}; since the last find it showed ${JSON.stringify(text().slice(found))}`,
      );
    }
    const { index, length } = find(wanted) as { index: number; length: number };
    const shown = text().slice(found, found + index + length);
    found += index + length;
    return shown;
  };
  const type = async (keys: string | Uint8Array): Promise<void> => {
    const bytes = Buffer.from(keys);
    for (let at = 0; at < bytes.length; ) {
      const written = tryWrite(master, bytes.subarray(at));
      at += written;
      if (written === 0) await pause(2);
    }
  };
  const modes = (): string => {
    const termios = Buffer.alloc(termiosBytes);
    check("TCGETS", calls.ioctl(slave, TCGETS, termios));
    return termios.toString("hex");
  };
  resize(rows, columns);
  return {
    slave,
    master,
    text,
    bytes: () => Buffer.concat(chunks),
    waitFor,
    type,
    resize,
    modes,
    start: (words, options = {}) => {
      const env = { ...process.env, TERM: "xterm-256color", ...options.env };
      const stdio = options.stdio ?? [slave, slave, slave];
      return watch(spawn("setsid", ["--ctty", ...words], { cwd: "/", ...options, stdio, env }), 60);
    },
    close: () => {
      clearInterval(timer);
      drain();
      closeSync(slave);
      closeSync(master);
    },
  };
}

function readAll(fd: number, chunks: Buffer[]): void {
  const buffer = Buffer.alloc(65536);
  try {
    for (let length = readSync(fd, buffer); length > 0; length = readSync(fd, buffer)) {
      chunks.push(Buffer.from(buffer.subarray(0, length)));
    }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EAGAIN") throw error;
  }
}

function tryWrite(fd: number, bytes: Uint8Array): number {
  try {
    return writeSync(fd, bytes);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EAGAIN") return 0;
    throw error;
  }
}

/** O_* of a descriptor of this process, and so of whoever shares its description. */
export function readFlags(fd: number): number {
  const match = /^flags:\s*([0-7]+)$/m.exec(readFileSync(`/proc/self/fdinfo/${fd}`, "utf8"));
  return Number.parseInt(match?.[1] as string, 8);
}
