// Which command argv means. In: argv. Out: the command with its options and words, or a wish for help or the version.
// `tsjail [options] [--] COMMAND…` is `run`; a first word that is a subcommand is the subcommand, and @NAME before either
// is the profile of an environment. Next: cli.ts.
import { type Split, splitArguments } from "../arguments.ts";
import { TsjailError } from "../error.ts";
import { type Given, helpOption, jailOptions, versionOption } from "../options.ts";
import type { Command } from "./command.ts";
import { commands, isCommandName } from "./table.ts";

export type Selection =
  | {
      readonly kind: "command";
      readonly command: Command;
      readonly given: readonly Given[];
      readonly words: readonly string[];
    }
  | { readonly kind: "help"; readonly command: Command | undefined }
  | { readonly kind: "version" };

/** @throws TsjailError `usage` */
export async function selectCommand(argv: readonly string[]): Promise<Selection> {
  // The executor's report is not for the parser: the failed command's words are at its end.
  if (argv[0] === "explain") return select(await commands.explain(), [], argv.slice(1));
  const { given, words, separated } = splitEnvironment(argv);
  const name = separated ? undefined : words[0];
  if (asksFor("version", given)) return { kind: "version" };
  if (!isCommandName(name)) {
    return asksFor("help", given)
      ? { kind: "help", command: undefined }
      : select(await commands.run(), given, words);
  }
  const command = await commands[name]();
  if (asksFor("help", given)) return { kind: "help", command };
  checkTaken(command, given);
  const rest = splitArguments(words.slice(1), command.args, typeof command.words !== "string");
  if (asksFor("help", rest.given)) return { kind: "help", command };
  return select(command, [...given, ...rest.given], rest.words);
}

/** `@work`, and `env enter work`, stand for `--profile @work`; more options may follow. */
function splitEnvironment(argv: readonly string[]): Split {
  const table = { ...jailOptions, ...helpOption, ...versionOption };
  const { given, words, separated } = splitArguments(argv, table);
  const [first = "", second, third = ""] = words;
  const enters = first === "env" && second === "enter" && third !== "" && !third.startsWith("-");
  const name = enters ? `@${third}` : first;
  if (separated || !/^@./.test(name)) return { given, words, separated };
  const rest = splitArguments(words.slice(enters ? 3 : 1), table);
  const profile = { name: "profile", value: name, text: name };
  return { ...rest, given: [...given, profile, ...rest.given] };
}

const asksFor = (name: string, given: readonly Given[]): boolean => given.some((one) => one.name === name);

/** An option before the subcommand counts as one after it, as in `tsjail -p dev plan`. */
function checkTaken(command: Command, given: readonly Given[]): void {
  const stray = given.find((one) => !Object.hasOwn(command.args, one.name));
  if (stray === undefined) return;
  throw new TsjailError("usage", `\`tsjail ${command.meta.name}\` has no option --${stray.name}.`, {
    hint: `\`tsjail ${command.meta.name} --help\` lists its options. For a program called ${command.meta.name}: tsjail … -- ${command.meta.name}`,
  });
}

function select(command: Command, given: readonly Given[], words: readonly string[]): Selection {
  if (typeof command.words !== "string") checkWords(command, command.words, words);
  return { kind: "command", command, given, words };
}

function checkWords(
  { meta, examples }: Command,
  wanted: Exclude<Command["words"], string>,
  words: readonly string[],
) {
  const example = examples[0]?.[0] ?? `tsjail ${meta.name}`;
  const missing = wanted[words.length];
  if (missing?.required) {
    const name = missing.name.toUpperCase();
    throw new TsjailError(
      "usage",
      `\`tsjail ${meta.name}\` needs ${name}: ${missing.description.toLowerCase()}.`,
      {
        hint: `For example: ${example}`,
      },
    );
  }
  if (words.length > wanted.length) {
    const most =
      wanted.length === 0 ? "no word" : wanted.length === 1 ? "one word" : `${wanted.length} words`;
    throw new TsjailError(
      "usage",
      `\`tsjail ${meta.name}\` takes ${most}; "${words[wanted.length]}" is too many.`,
      {
        hint: `For example: ${example}`,
      },
    );
  }
}
