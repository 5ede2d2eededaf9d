// What tsjail says on the side: errors, warnings, what was done. In: a message and its kind. Out: lines on standard
// error, never on standard output, which belongs to the command and to programs that read us.
import { type ConsolaInstance, createConsola, type LogObject } from "consola/core";
import { escapeControls } from "./plan/escape.ts";

export type Log = Pick<ConsolaInstance, "error" | "warn" | "info" | "success">;

const colors: Readonly<Record<string, number>> = { error: 31, warn: 33, success: 32 };

/** @param write takes whole lines; process.stderr would set O_NONBLOCK on what we share with the shell */
export function createLog(write: (text: string) => void, color: () => boolean): Log {
  const report = ({ type, args }: LogObject): void => {
    const code = color() ? colors[type] : undefined;
    const name = code === undefined ? "tsjail:" : `\u001B[${code}mtsjail:\u001B[39m`;
    const mark = type === "warn" ? " warning:" : "";
    // Only errors have several lines, and what formatError() or the stack put into them is theirs.
    write(`${name}${mark} ${escapeControls(args.join(" "), type === "error" ? "\n" : "")}\n`);
  };
  return createConsola({ reporters: [{ log: report }], throttle: 0 });
}
