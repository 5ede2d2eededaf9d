// The log's Consola. In: a message and its kind. Out: lines. Used by log.ts.
import { type ConsolaInstance, createConsola, type LogObject } from "consola/core";
import { escapeControls } from "./plan/escape.ts";

/** As the log, with colours where `color()` says so. */
export function createReporter(write: (text: string) => void, color: () => boolean): ConsolaInstance {
  const report = ({ type, args }: LogObject): void => {
    const code = color() ? colors[type] : undefined;
    const name = code === undefined ? "tsjail:" : `\u001B[${code}mtsjail:\u001B[39m`;
    const mark = type === "warn" ? " warning:" : "";
    // Only errors have several lines, and what formatError() or the stack put into them is theirs.
    write(`${name}${mark} ${escapeControls(args.join(" "), type === "error" ? "\n" : "")}\n`);
  };
  return createConsola({ reporters: [{ log: report }], throttle: 0 });
}

const colors: Readonly<Record<string, number>> = { error: 31, warn: 33, success: 32 };
