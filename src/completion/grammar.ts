// What a shell needs to know to complete our command line. In: the commands' declarations. Out: a Grammar, flat and
// without types of ours; bash.ts, zsh.ts and fish.ts turn it into scripts.
import type { Command } from "../commands/command.ts";
import { type Completion, type OptionTable, versionOption } from "../options.ts";

export const shells = ["bash", "zsh", "fish"] as const;
export type Shell = (typeof shells)[number];

export interface GrammarOption {
  /** With their dashes, the long one first. */
  readonly names: readonly string[];
  readonly description: string;
  /** The form of the value; undefined for an option without one. */
  readonly form: string | undefined;
  readonly complete: Completion | undefined;
  readonly repeat: boolean;
}

export interface GrammarCommand {
  readonly name: string;
  readonly description: string;
  readonly options: readonly GrammarOption[];
  /** What completes its words, in order; "command" for all of them from here on. */
  readonly words: readonly (Completion | undefined)[] | "command";
}

export interface Grammar {
  /** The options before a subcommand or a command. */
  readonly options: readonly GrammarOption[];
  readonly commands: readonly GrammarCommand[];
  /** Shipped profiles, by name. */
  readonly profiles: readonly string[];
}

export function describeGrammar(commands: readonly Command[], profiles: readonly string[]): Grammar {
  const run = commands.find((command) => command.meta.name === "run");
  return {
    options: listOptions({ ...run?.args, ...versionOption }),
    commands: commands.map(({ meta, args, words }) => ({
      name: meta.name,
      description: meta.description,
      options: listOptions(args),
      words: typeof words === "string" ? "command" : words.map((word) => word.complete),
    })),
    profiles,
  };
}

function listOptions(table: OptionTable): GrammarOption[] {
  return Object.entries(table).map(([name, option]) => ({
    names: [`--${name}`, ...(option.alias === undefined ? [] : [`-${option.alias}`])],
    description: option.description,
    form: option.type === "string" ? option.valueHint : undefined,
    complete: option.type === "string" ? option.complete : undefined,
    repeat: option.type === "string" && option.repeat === true,
  }));
}

/** One word for a POSIX-like shell, and for fish too: none of our texts has a single quote's trouble with it. */
export function quote(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
