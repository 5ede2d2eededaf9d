// `tsjail trust [FILE]`: from now on a profile of the current directory is used by itself, as long as it, and what it
// extends, stay as they are. In: its path. Out: a record of its content (profile/trust.ts), or its removal.
import { readdirSync, readFileSync, realpathSync, unlinkSync } from "node:fs";
import { join, resolve } from "node:path";
import { TsjailError } from "../error.ts";
import { helpOption, type OptionTable } from "../options.ts";
import { quoteWord } from "../plan/escape.ts";
import { trustProfile } from "../profile/load.ts";
import { describeErrno } from "../profile/parse.ts";
import { hintAt, trustDirectory } from "../profile/trust.ts";
import { type Call, type Command, hasOption } from "./command.ts";

const revokeOption = {
  revoke: { type: "boolean", description: "Trust it no longer, whatever its content" },
} as const satisfies OptionTable;

export const trust: Command = {
  meta: { name: "trust", description: "Let ./tsjail.toml be used by itself, as it is now" },
  args: { ...revokeOption, ...helpOption },
  words: [{ name: "file", description: "A profile (default: ./tsjail.toml)", complete: "file" }],
  examples: [
    ["tsjail trust", "after reading ./tsjail.toml; a change of it asks again"],
    ["tsjail trust --revoke", "take it back"],
  ],
  run(call: Call): number {
    const given = call.words[0] ?? "tsjail.toml";
    // A word here is a path, never the name of a profile.
    const file = given.includes("/") ? given : `./${given}`;
    return hasOption(call, "revoke") ? revoke(file, call) : grant(file, call);
  },
};

function grant(file: string, call: Call): number {
  const { environment, cwd, packageDirectory } = call;
  const request = { profile: file, environment, cwd, shippedDirectory: join(packageDirectory, "profiles") };
  const { files } = trustProfile(request);
  const others = files.length > 1 ? ` and ${files.length - 1} more that it extends` : "";
  call.log.success(`${quoteWord(file)}${others}: trusted as it is now.`);
  return 0;
}

function revoke(file: string, { environment, cwd, log }: Call): number {
  const directory = trustDirectory({ environment, cwd });
  const path = resolve(cwd, file);
  // The file itself may be gone already.
  const paths = new Set([path, tryResolve(path)]);
  const records = listRecords(directory, (error) => hintAt(error, { environment, cwd })).filter((record) =>
    paths.has(readFileSync(record, "utf8").trimEnd()),
  );
  if (records.length === 0) {
    throw new TsjailError("usage", `${file} is not trusted; there is nothing to take back.`);
  }
  for (const record of records) unlinkSync(record);
  log.success(`${quoteWord(file)}: no longer trusted.`);
  return 0;
}

function tryResolve(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return path;
  }
}

function listRecords(directory: string, hint: (error: unknown) => string | undefined): string[] {
  try {
    return readdirSync(directory)
      .filter((name) => /^[0-9a-f]{64}$/.test(name))
      .map((name) => join(directory, name));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
    const message = `What is trusted can't be read in ${directory}: ${describeErrno(error)}.`;
    throw new TsjailError("profile_untrusted", message, { hint: hint(error), cause: error });
  }
}
