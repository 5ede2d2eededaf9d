// Help, for tsjail as a whole and for each subcommand. In: declarations. Out: text; citty lays out the tables, the
// line of usage and the examples are ours, since citty knows nothing of a command that takes words of its own.
import { stripVTControlCharacters } from "node:util";
import type { ArgsDef, CommandDef } from "citty";
import { TsjailError } from "../error.ts";
import { helpOption, type OptionTable, versionOption } from "../options.ts";
import { findNearest } from "../profile/nearest.ts";
import type { Call, Command } from "./command.ts";
import { commands, isCommandName, loadCommands } from "./table.ts";

export const help: Command = {
  meta: { name: "help", description: "Show help, for all or for one command" },
  args: { ...helpOption },
  words: [
    {
      name: "command",
      description: "A subcommand",
      complete: Object.keys(commands).filter((name) => name !== "explain"),
    },
  ],
  examples: [["tsjail help plan", "the same as tsjail plan --help"]],
  async run(call: Call): Promise<number> {
    const name = call.words[0];
    if (name !== undefined && !isCommandName(name)) {
      const nearest = findNearest(name, Object.keys(commands));
      throw new TsjailError("usage", `There is no subcommand ${name}.`, {
        hint: nearest === undefined ? "`tsjail --help` lists them." : `Did you mean ${nearest}?`,
      });
    }
    call.print(
      name === undefined ? await describeProgram(call) : await describeCommand(await commands[name](), call),
    );
    return 0;
  },
};

type Style = Pick<Call, "color" | "version">;

/** `tsjail --help` */
export async function describeProgram(style: Style): Promise<string> {
  const all = await loadCommands();
  const run = await commands.run();
  const definition: CommandDef = {
    meta: { name: "tsjail", version: style.version, description: "Run a command in a rootless sandbox" },
    args: toArguments({ ...run.args, ...versionOption }),
    subCommands: Object.fromEntries(all.map(({ meta }) => [meta.name, { meta }])),
  };
  const usage = ["tsjail [OPTIONS] [--] COMMAND [ARGUMENT]…", "tsjail SUBCOMMAND [OPTIONS] …"];
  return render(definition, usage, [...explainProfiles(run.args), ...listExamples(run)], style);
}

/** `tsjail plan --help` */
export function describeCommand(command: Command, style: Style): Promise<string> {
  const words = typeof command.words === "string" ? [] : command.words;
  const positionals: ArgsDef = Object.fromEntries(
    words.map((word) => [
      word.name,
      { type: "positional", description: word.description, required: word.required === true },
    ]),
  );
  const definition: CommandDef = {
    meta: { ...command.meta, name: `tsjail ${command.meta.name}`, version: style.version },
    args: { ...positionals, ...toArguments(command.args) },
  };
  const further = [...explainProfiles(command.args), ...listExamples(command)];
  return render(definition, [formatUsage(command)], further, style);
}

const heading = (text: string): string => `\u001B[1m\u001B[4m${text}\u001B[24m\u001B[22m`;

/** Where profiles are looked for, for the commands that take one. */
function explainProfiles(options: OptionTable): string[] {
  if (!Object.hasOwn(options, "profile")) return [];
  return [
    "",
    heading("PROFILES"),
    "",
    "  A NAME is looked for as ./NAME.toml (once it is trusted, where another profile has that name),",
    "  then as $XDG_CONFIG_HOME/tsjail/NAME.toml, then among those that come with tsjail. With a",
    "  slash it is the path of a FILE. Options are stronger than the profile.",
  ];
}

function listExamples({ examples }: Command): string[] {
  return [
    "",
    heading("EXAMPLES"),
    "",
    ...examples.flatMap(([line, about]) => [`  ${line}`, `      ${about}`]),
  ];
}

function formatUsage({ meta, words }: Command): string {
  if (words === "command") return `tsjail ${meta.name} [OPTIONS] [--] COMMAND [ARGUMENT]…`;
  if (words === "raw") return `tsjail ${meta.name} …`;
  const names = words.map((word) =>
    word.required ? word.name.toUpperCase() : `[${word.name.toUpperCase()}]`,
  );
  return ["tsjail", meta.name, "[OPTIONS]", ...names].join(" ");
}

/** Our table without what citty doesn't know. */
function toArguments(table: OptionTable): ArgsDef {
  return Object.fromEntries(
    Object.entries(table).map(([name, option]) => {
      const again = option.type === "string" && option.repeat === true ? " (may be given again)" : "";
      const { type, alias } = option;
      const hint = option.type === "string" ? { valueHint: option.valueHint } : {};
      const description = `${option.description}${again}`;
      return [name, { type, description, ...hint, ...(alias === undefined ? {} : { alias }) }];
    }),
  );
}

async function render(
  definition: CommandDef,
  usage: readonly string[],
  further: readonly string[],
  style: Style,
): Promise<string> {
  const { renderUsage } = await import("citty");
  const lines = (await renderUsage(definition)).trimEnd().split("\n");
  const at = lines.findIndex((line) => stripVTControlCharacters(line).startsWith("USAGE "));
  lines.splice(at, 1, ...usage.map((line, index) => `${index === 0 ? heading("USAGE") : "     "} ${line}`));
  const text = `${[...lines, ...further].map((line) => line.trimEnd()).join("\n")}\n`;
  return style.color() ? text : stripVTControlCharacters(text);
}
