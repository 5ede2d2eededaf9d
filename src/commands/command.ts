// What a command is: its declaration, from which parsing, help and completion come, and its work.
// In: a Call. Out: an exit status. cli.ts makes the Call, help.ts shows the declaration.
import type { Package } from "../launch/find.ts";
import type { Log } from "../log.ts";
import type { Completion, Given, OptionTable } from "../options.ts";

/** A word of a command that is not an option. */
export interface Word {
  readonly name: string;
  readonly description: string;
  readonly required?: true;
  readonly complete?: Completion;
}

export interface Command {
  readonly meta: { readonly name: string; readonly description: string; readonly hidden?: true };
  readonly args: OptionTable;
  /** The words it takes. "command" is a program and its words, which end our options; "raw" has no options at all. */
  readonly words: readonly Word[] | "command" | "raw";
  /** What is typed, and what it does. */
  readonly examples: readonly (readonly [line: string, about: string])[];
  /** @returns the exit status */
  run(call: Call): number | Promise<number>;
}

/** Everything that a command knows of the process around it. */
export interface Call extends Package {
  /** All of our own argv, as it was typed. */
  readonly argv: readonly string[];
  readonly given: readonly Given[];
  readonly words: readonly string[];
  readonly cwd: string;
  /** How to start this program again: Node, its options and the script. */
  readonly self: readonly string[];
  /** Standard output is a terminal that shows colours. */
  color(): boolean;
  /** Writes lines to standard output. */
  print(text: string): void;
  /** What draws on standard error, control sequences and all; undefined where that is no terminal. */
  terminal?(): ((text: string) => void) | undefined;
  readonly log: Log;
}

export function hasOption(call: Pick<Call, "given">, name: string): boolean {
  return call.given.some((one) => one.name === name);
}
