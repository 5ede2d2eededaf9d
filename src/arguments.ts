// Splits the words of a command line into options and the rest. In: argv and a table of options (options.ts).
// Out: what was given, and the words that are not options, untouched. Which command is meant: cli.ts.
import { TsjailError } from "./error.ts";
import type { Given, Option, OptionTable } from "./options.ts";
import { escapeControls, quoteShell } from "./plan/escape.ts";
import { findNearest } from "./profile/nearest.ts";
import { quoteShort } from "./profile/quote.ts";

export interface Split {
  readonly given: readonly Given[];
  readonly words: readonly string[];
  /** The words came after a `--`, so the first of them is no subcommand. */
  readonly separated: boolean;
}

/**
 * Options up to `--` or the first other word; everything after that belongs to the command, whatever it looks like.
 * With `everywhere`, options may stand among the words too.
 * @throws TsjailError `usage` for an unknown option, a missing value, a value where none belongs
 */
export function splitArguments(argv: readonly string[], table: OptionTable, everywhere = false): Split {
  const given: Given[] = [];
  const words: string[] = [];
  for (let index = 0; index < argv.length; index++) {
    const word = argv[index] ?? "";
    if (word === "--")
      return { given, words: [...words, ...argv.slice(index + 1)], separated: words.length === 0 };
    // A lone - is a word: the name of standard input by custom.
    if (!word.startsWith("-") || word === "-") {
      if (!everywhere) return { given, words: argv.slice(index), separated: false };
      words.push(word);
      continue;
    }
    const { name, option, attached } = readOption(word, table);
    if (option.type === "boolean") {
      if (attached !== undefined)
        throw new TsjailError("usage", `--${name} takes no value, and got ${quoteShort(attached)}.`);
      given.push({ name, value: "", text: `--${name}` });
      continue;
    }
    const value = attached ?? takeValue(name, option, argv[++index]);
    given.push({ name, value, text: `--${name} ${value}` });
  }
  return { given, words, separated: false };
}

interface Found {
  readonly name: string;
  readonly option: Option;
  /** What stands in the same word: --net=host, -p=dev, -pdev. */
  readonly attached: string | undefined;
}

function readOption(word: string, table: OptionTable): Found {
  // -profile would be -p with the value rofile, as getopt(3) has it: nobody means that.
  const doubtful = !word.startsWith("--") && Object.hasOwn(table, word.slice(1).replace(/=.*/s, ""));
  if (doubtful)
    throw new TsjailError("usage", `There is no option ${word}.`, { hint: `Did you mean -${word}?` });
  const long = word.startsWith("--");
  const [, typed = "", attached] = (long ? /^--([^=]*)(?:=(.*))?$/s : /^-(.)=?(.+)?$/su).exec(word) ?? [];
  const name = long ? typed : Object.keys(table).find((one) => table[one]?.alias === typed);
  const option = name !== undefined && Object.hasOwn(table, name) ? table[name] : undefined;
  if (name !== undefined && option !== undefined) return { name, option, attached };
  throw new TsjailError("usage", `There is no option ${long ? `--${typed}` : `-${typed}`}.`, {
    hint: suggest(long ? typed : word.slice(1).replace(/=.*/s, ""), table),
  });
}

/** Longer than one letter after a single dash is most likely a long option that lacks a dash: -profile. */
function suggest(typed: string, table: OptionTable): string {
  const nearest = typed.length > 1 ? findNearest(typed, Object.keys(table)) : undefined;
  if (nearest === undefined) return "`--help` lists the options.";
  return `Did you mean --${nearest}? \`--help\` lists all of them.`;
}

function takeValue(name: string, option: Option & { type: "string" }, next: string | undefined): string {
  const form = `--${name} ${option.valueHint}`;
  if (next === undefined) {
    throw new TsjailError("usage", `--${name} has no value.`, {
      hint: `Write ${form}, for example: ${option.example}`,
    });
  }
  if (next.length > 1 && next.startsWith("-")) {
    throw new TsjailError("usage", `--${name} has no value: ${next}, which follows, looks like an option.`, {
      hint: `Write ${form}, for example: ${option.example}\nIf ${escapeControls(next)} is the value: --${name}=${quoteShell(next)}`,
    });
  }
  return next;
}
