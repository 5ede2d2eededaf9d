// Standard output and error as plain descriptors: process.stdout and process.stderr would change the file
// descriptions that we share with the shell (O_NONBLOCK), so nothing here touches them. Used by cli.ts alone.
import { writeSync } from "node:fs";
import { createRequire } from "node:module";

/** Writes all of it, also where another process has made the pipe non-blocking. */
export function writeText(fd: number, text: string): void {
  let rest = Buffer.from(text);
  while (rest.length > 0) {
    try {
      rest = rest.subarray(writeSync(fd, rest));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EAGAIN") throw error;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 5); // a pause of 5 ms
    }
  }
}

/** NO_COLOR (no-color.org) and FORCE_COLOR decide; else colours are for terminals. */
export function wantsColor(fd: number, environment: Readonly<Record<string, string | undefined>>): boolean {
  if ((environment.NO_COLOR ?? "") !== "") return false;
  const forced = environment.FORCE_COLOR;
  if (forced !== undefined && forced !== "") return forced !== "0" && forced !== "false";
  if (environment.TERM === "dumb") return false;
  return isTerminal(fd);
}

/** A terminal that moves its cursor when it is told to. */
export function canDraw(fd: number, { TERM }: Readonly<Record<string, string | undefined>>): boolean {
  return TERM !== undefined && TERM !== "dumb" && isTerminal(fd);
}

function isTerminal(fd: number): boolean {
  // Loaded here: sockets and streams come with it, and the start of a jail has no use for them.
  const { isatty } = createRequire(import.meta.filename)("node:tty") as typeof import("node:tty");
  return isatty(fd);
}
