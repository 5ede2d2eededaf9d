// `tsjail completion bash|zsh|fish`: prints a completion script. In: the declarations of all commands and the shipped
// profiles. Out: the script, made by completion/.
import { readdirSync } from "node:fs";
import { basename, join } from "node:path";
import { describeGrammar, type Shell, shells } from "../completion/grammar.ts";
import { TsjailError } from "../error.ts";
import { helpOption } from "../options.ts";
import type { Call, Command } from "./command.ts";
import { loadCommands } from "./table.ts";

export const completion: Command = {
  meta: { name: "completion", description: "Print a completion script for a shell" },
  args: { ...helpOption },
  words: [{ name: "shell", description: shells.join(", "), required: true, complete: shells }],
  examples: [
    ["tsjail completion bash > ~/.local/share/bash-completion/completions/tsjail", "for every new bash"],
    ["tsjail completion zsh > ~/.zfunc/_tsjail", "a directory of zsh's $fpath"],
    ["tsjail completion fish > ~/.config/fish/completions/tsjail.fish", "for fish"],
    ["source <(tsjail completion bash)", "for this shell"],
  ],
  async run(call: Call): Promise<number> {
    const shell = shells.find((one) => one === call.words[0]);
    if (shell === undefined) {
      throw new TsjailError("usage", `There is no completion for a shell called ${call.words[0]}.`, {
        hint: `Name one of ${shells.join(", ")}.`,
      });
    }
    call.print(await writeScript(shell, call));
    return 0;
  },
};

async function writeScript(shell: Shell, { packageDirectory }: Call): Promise<string> {
  const grammar = describeGrammar(await loadCommands(), listShippedProfiles(packageDirectory));
  switch (shell) {
    case "bash":
      return (await import("../completion/bash.ts")).writeBash(grammar);
    case "zsh":
      return (await import("../completion/zsh.ts")).writeZsh(grammar);
    case "fish":
      return (await import("../completion/fish.ts")).writeFish(grammar);
  }
}

function listShippedProfiles(packageDirectory: string): string[] {
  try {
    const files = readdirSync(join(packageDirectory, "profiles")).filter((name) => name.endsWith(".toml"));
    return files.map((name) => basename(name, ".toml")).sort();
  } catch {
    return []; // names of profiles are a convenience here
  }
}
