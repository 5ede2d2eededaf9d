// `tsjail init [FILE]`: writes a starter profile that explains itself. In: a path, ./tsjail.toml unless told.
// Out: the file; one that exists is never touched.
import { writeFileSync } from "node:fs";
import { resolve } from "node:path";
import { TsjailError } from "../error.ts";
import { helpOption } from "../options.ts";
import { quoteShell, quoteWord } from "../plan/escape.ts";
import { starterProfile } from "../profile/starter.ts";
import type { Call, Command } from "./command.ts";

export const init: Command = {
  meta: { name: "init", description: "Write a starter profile with comments" },
  args: { ...helpOption },
  words: [{ name: "file", description: "Where (default: ./tsjail.toml)", complete: "file" }],
  examples: [
    ["tsjail init && tsjail trust", "./tsjail.toml, which `tsjail bash` then uses by itself"],
    ["tsjail init ci.toml", "another file, for --profile ./ci.toml"],
  ],
  run(call: Call): number {
    const name = call.words[0] ?? "tsjail.toml";
    const path = resolve(call.cwd, name);
    try {
      // wx: O_EXCL, which doesn't follow a symbolic link either.
      writeFileSync(path, starterProfile(), { flag: "wx" });
    } catch (error) {
      throw explainWrite(name, error as NodeJS.ErrnoException);
    }
    const isDefault = path === resolve(call.cwd, "tsjail.toml");
    const next = isDefault
      ? "`tsjail trust`, then `tsjail bash`"
      : `\`tsjail --profile ${shown(name)} bash\``;
    call.log.success(`wrote ${quoteWord(name)}. Look at it; then: ${next}`);
    return 0;
  },
};

/** A profile's path is told from its name by the slash. */
const shown = (name: string): string => quoteShell(name.includes("/") ? name : `./${name}`);

function explainWrite(name: string, error: NodeJS.ErrnoException): TsjailError {
  if (error.code === "EEXIST") {
    return new TsjailError("usage", `${name} exists already; it was left as it is.`, {
      hint: "Name another file, or remove this one first.",
    });
  }
  return new TsjailError("usage", `${name} can't be written (${error.code ?? error.message}).`, {
    cause: error,
  });
}
