// What tsjail says on the side: errors, warnings, what was done. In: a message and its kind. Out: lines on standard
// error, never on standard output, which belongs to the command and to programs that read us. Next: reporter.ts.
import type { ConsolaInstance } from "consola/core";
import { createReporter } from "./reporter.ts";

export type Log = Pick<ConsolaInstance, "error" | "warn" | "info" | "success">;

/** Most starts have nothing to say, and don't make a Consola.
 * @param write takes whole lines; process.stderr would set O_NONBLOCK on what we share with the shell */
export function createLog(write: (text: string) => void, color: () => boolean): Log {
  let reporter: Log | undefined;
  const make = (): Log => {
    reporter ??= createReporter(write, color);
    return reporter;
  };
  return {
    get error() {
      return make().error;
    },
    get warn() {
      return make().warn;
    },
    get info() {
      return make().info;
    },
    get success() {
      return make().success;
    },
  };
}
