// A profile's file: its bytes come in, the table that its TOML stands for goes out, with nothing checked yet but that
// it is a regular file of a sensible size, UTF-8, and TOML. Next: extends.ts.
import { isUtf8 } from "node:buffer";
import { closeSync, constants, openSync, realpathSync } from "node:fs";
import { parse, TomlError } from "smol-toml";
import { readBytes } from "../bytes.ts";
import { TsjailError } from "../error.ts";
import { lookAtOpened } from "../facts/look.ts";
import { quoteShort, showLine } from "./quote.ts";
import type { Table } from "./shape.ts";

/** More than any profile needs, and too little to stall a start. */
export const maxProfileBytes = 1024 * 1024;
const maxDepth = 64;

export interface Source {
  /** Absolute. */
  readonly path: string;
  /** The path with all symbolic links followed. */
  readonly realPath: string;
  /** As messages show it. */
  readonly file: string;
  readonly isShipped: boolean;
  readonly bytes: Uint8Array;
}

/** @throws TsjailError `profile_unreadable` */
export function readSource(path: string, file: string, isShipped: boolean): Source {
  const fail = (why: string, cause?: unknown) =>
    new TsjailError("profile_unreadable", `The profile ${quoteShort(file, 200)} ${why}.`, { cause });
  let descriptor: number;
  try {
    // O_NONBLOCK: a FIFO must not hold us up before we know that it is one.
    descriptor = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch (error) {
    throw fail(`can't be read: ${describeErrno(error)}`, error);
  }
  try {
    const status = lookAtOpened(path, descriptor);
    if (!status.isFile()) throw fail(status.isDirectory() ? "is a directory" : "is not a regular file");
    const bytes = readBytes(descriptor, maxProfileBytes + 1);
    if (bytes.length > maxProfileBytes)
      throw fail(`is larger than ${maxProfileBytes} bytes, more than any profile needs`);
    return {
      path,
      realPath: realpathSync(path),
      file,
      isShipped,
      bytes,
    };
  } catch (error) {
    throw error instanceof TsjailError ? error : fail(`can't be read: ${describeErrno(error)}`, error);
  } finally {
    closeSync(descriptor);
  }
}

const errnoWords: Readonly<Record<string, string>> = {
  ENOENT: "it does not exist",
  EACCES: "permission denied",
  ELOOP: "too many symbolic links",
  ENOTDIR: "a part of its path is not a directory",
  ENAMETOOLONG: "its name is too long",
};

export function describeErrno(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException;
  return errnoWords[code ?? ""] ?? code ?? message;
}

/** UTF-8 without a byte order mark.
 * @throws TsjailError `profile_syntax` */
export function decodeSource({ bytes, file }: Source): string {
  const text = decode(bytes);
  if (isUtf8(bytes)) return text;
  // The first character that does not come back as the bytes it was made from.
  const again = Buffer.from(Buffer.from(bytes).toString());
  let at = 0;
  while (at < bytes.length && bytes[at] === again[at]) at++;
  const before = decode(bytes.subarray(0, at)).split("\n");
  const line = before.length;
  const column = (before.at(-1)?.length ?? 0) + 1;
  throw syntaxError(file, text, line, column, "this is not UTF-8");
}

function decode({ buffer, byteOffset, byteLength }: Uint8Array): string {
  const text = Buffer.from(buffer, byteOffset, byteLength).toString();
  return text.startsWith("\uFEFF") ? text.slice(1) : text;
}

/** @throws TsjailError `profile_syntax`, with the line and a caret */
export function parseToml(text: string, file: string): Table {
  try {
    return parse(text, { maxDepth }) as Table;
  } catch (error) {
    if (!(error instanceof TomlError)) throw error;
    const [message = ""] = error.message.replace(/^Invalid TOML document: /, "").split("\n");
    throw syntaxError(file, text, error.line, error.column, message, error);
  }
}

function syntaxError(
  file: string,
  text: string,
  line: number,
  column: number,
  why: string,
  cause?: unknown,
): TsjailError {
  const shownFile = /^[\p{L}\p{N}\p{P}\p{S} ]+$/u.test(file) ? file : quoteShort(file, 200);
  return new TsjailError("profile_syntax", `${shownFile}:${line}:${column} is not valid TOML: ${why}.`, {
    detail: formatCaret(text.split("\n")[line - 1]?.replace(/\r$/, "") ?? "", line, column),
    origin: { file, line, column },
    cause,
  });
}

/** The line and a caret below the column; a window of it where it is long. */
function formatCaret(text: string, line: number, column: number): string {
  const width = 100;
  const start = column <= width - 20 ? 0 : column - (width >> 1);
  const shown = showLine(text.slice(start, start + width));
  const [before, after] = [start > 0 ? "…" : "", text.length > start + width ? "…" : ""];
  const margin = `${line} | `;
  const indent = " ".repeat(margin.length - 2);
  return `${margin}${before}${shown}${after}\n${indent}| ${" ".repeat(before.length + column - 1 - start)}^`;
}
