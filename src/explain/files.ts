// A file of the host's, as far as it decides whether a command can be executed: kind, mode, link, interpreter.
// In: a path. Out: a FileFact; next is view.ts, which follows paths as the jail shows them.
import { closeSync, lstatSync, openSync, readlinkSync, readSync, type Stats } from "node:fs";

export type FileFact =
  | { readonly kind: "missing" }
  /** It is there or not: a directory on the way can't be searched. */
  | { readonly kind: "denied"; readonly why: string }
  | { readonly kind: "symlink"; readonly target: string }
  | { readonly kind: "directory" }
  | { readonly kind: "other" }
  | {
      readonly kind: "file";
      /** Permission bits. */
      readonly mode: number;
      /** What the kernel starts in its place: a script's `#!` line, or the ELF loader. */
      readonly interpreter: Interpreter | undefined;
      /** What it is by its first bytes. */
      readonly format: "script" | "elf" | "empty" | "unknown";
      /** For which machine an ELF file is: "x64", "arm64", or its number. */
      readonly machine: string | undefined;
    };

export interface Interpreter {
  readonly path: string;
  readonly by: "script" | "elf";
}

/** Never throws; a symbolic link at the end of the path is not followed. */
export function probeFile(path: string): FileFact {
  let stats: Stats;
  try {
    stats = lstatSync(path);
    if (stats.isSymbolicLink()) return { kind: "symlink", target: readlinkSync(path) };
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? "unknown error";
    return code === "ENOENT" || code === "ENOTDIR" ? { kind: "missing" } : { kind: "denied", why: code };
  }
  if (stats.isDirectory()) return { kind: "directory" };
  if (!stats.isFile()) return { kind: "other" };
  const head = readHead(path);
  return {
    kind: "file",
    mode: stats.mode & 0o7777,
    interpreter: head === undefined ? undefined : findInterpreter(head),
    format: head === undefined ? "unknown" : findFormat(head),
    machine: head === undefined ? undefined : findMachine(head),
  };
}

/** Loaders are named in the first page of every linker's output. */
function readHead(path: string): Buffer | undefined {
  let fd: number | undefined;
  try {
    fd = openSync(path, "r");
    const bytes = Buffer.alloc(4096);
    return bytes.subarray(0, readSync(fd, bytes, 0, bytes.length, 0));
  } catch {
    return undefined;
  } finally {
    if (fd !== undefined) closeSync(fd);
  }
}

const isElf = (head: Buffer): boolean => head.length >= 64 && head.readUInt32BE(0) === 0x7f454c46;
const isScript = (head: Buffer): boolean => head.toString("latin1", 0, 2) === "#!";

function findFormat(head: Buffer): "script" | "elf" | "empty" | "unknown" {
  if (head.length === 0) return "empty";
  if (isScript(head)) return "script";
  return isElf(head) ? "elf" : "unknown";
}

/** @param head the first bytes of a file */
export function findInterpreter(head: Buffer): Interpreter | undefined {
  if (isScript(head)) {
    const path = /^#![ \t]*([^ \t\n]+)/.exec(head.toString("utf8", 0, 256))?.[1];
    return path === undefined ? undefined : { path, by: "script" };
  }
  const path = isElf(head) ? findLoader(head) : undefined;
  return path === undefined ? undefined : { path, by: "elf" };
}

/** The string of PT_INTERP; elf(5). Only 64-bit little-endian files, which are all that x64 and arm64 have. */
function findLoader(head: Buffer): string | undefined {
  if (head[4] !== 2 || head[5] !== 1) return undefined;
  const start = Number(head.readBigUInt64LE(32));
  const size = head.readUInt16LE(54);
  for (let index = 0; index < head.readUInt16LE(56); index++) {
    const offset = start + index * size;
    if (offset + 56 > head.length) return undefined;
    if (head.readUInt32LE(offset) !== 3) continue;
    const begin = Number(head.readBigUInt64LE(offset + 8));
    const end = head.indexOf(0, begin);
    return begin < head.length && end > begin ? head.toString("utf8", begin, end) : undefined;
  }
  return undefined;
}

const machines: Readonly<Record<number, string>> = {
  3: "ia32",
  40: "arm",
  62: "x64",
  183: "arm64",
  243: "riscv64",
};

function findMachine(head: Buffer): string | undefined {
  if (!isElf(head)) return undefined;
  const number = head[5] === 1 ? head.readUInt16LE(18) : head.readUInt16BE(18);
  return machines[number] ?? `machine ${number}`;
}
