// `tsjail compile PROFILE -o FILE`: a plan to take elsewhere, which `tsjail run ./FILE COMMAND` carries out without
// Node. In: a profile. Out: a file; with the plan go the facts of this host that it depends on (facts/facts.ts).
import { chmodSync, realpathSync, renameSync, rmSync, type Stats, statSync, writeFileSync } from "node:fs";
import { resolve } from "node:path";
import { TsjailError } from "../error.ts";
import { listShippedFacts } from "../facts/facts.ts";
import { preparePlan, type Surroundings } from "../launch/prepare.ts";
import { prepareStart } from "../launch/volumes.ts";
import { helpOption, jailOptions, type OptionTable, readJailRequest } from "../options.ts";
import { quoteShell, quoteWord } from "../plan/escape.ts";
import { encodePlan } from "../plan/wire.ts";
import { describeErrno } from "../profile/parse.ts";
import { quoteShort } from "../profile/quote.ts";
import type { Call, Command } from "./command.ts";

const { profile: _profile, "no-cache": _cache, fd: _fd, "status-fd": _status, ...overrides } = jailOptions;

const outputOption = {
  output: {
    type: "string",
    alias: "o",
    valueHint: "FILE",
    description: "Where the plan goes",
    example: "--output ./dev.plan",
    complete: "file",
  },
} as const satisfies OptionTable;

export const compile: Command = {
  meta: { name: "compile", description: "Write a profile's plan to a file that runs without Node" },
  args: { ...outputOption, ...overrides, ...helpOption },
  words: [{ name: "profile", description: "Its name or path", required: true, complete: "profile" }],
  examples: [
    ["tsjail compile ci.toml -o ci.plan", "then, on the same kind of host: tsjail run ./ci.plan make test"],
  ],
  async run(call: Call): Promise<number> {
    const output = call.given.findLast(({ name }) => name === "output")?.value;
    if (output === undefined || output === "") {
      throw new TsjailError("usage", "`tsjail compile` needs to know where the plan goes.", {
        hint: "For example: tsjail compile ci.toml -o ci.plan",
      });
    }
    const request = { ...readJailRequest(call.given, call.cwd), profile: call.words[0] };
    const file = findFile(output, call.cwd);
    const around: Surroundings = { ...call, executor: undefined, starts: "once", output: file };
    const { loaded, plan, portableLooks } = await prepareStart(() => preparePlan(request, [], around));
    // Whoever runs it elsewhere has neither this Node nor this package.
    const shipped = plan.filter(({ op }) => op !== "explain");
    writeWhole(file, encodePlan([...listShippedFacts(portableLooks, call.cwd), ...shipped]), output);
    for (const volume of new Set(loaded.profile.volume.flatMap(({ name }) => name ?? [])))
      call.log.info(
        `The plan needs the volume ${quoteWord(volume)}, which is here now: what runs it makes none.`,
      );
    const shown = quoteShell(output.includes("/") ? output : `./${output}`);
    const words = loaded.profile.command.length > 0 ? "" : " COMMAND";
    call.log.success(`${quoteWord(loaded.name)}: compiled. Run it with \`tsjail run ${shown}${words}\`.`);
    return 0;
  },
};

/** Where the file itself is, links followed; `rename` would put one in the place of a link, or of a device.
 * @throws TsjailError `usage` for anything but a regular file */
function findFile(output: string, cwd: string): string {
  const path = resolve(cwd, output);
  const status = look(path, output);
  if (status?.isFile()) return realpathSync(path);
  if (status === undefined && !output.endsWith("/")) return path;
  const why = status === undefined || status.isDirectory() ? "is a directory" : "is not a regular file";
  throw new TsjailError("usage", `${quoteShort(output, 300)} ${why}; the plan needs a file.`, {
    hint: "For example: tsjail compile ci.toml -o ci.plan",
  });
}

function look(path: string, shown: string): Stats | undefined {
  try {
    return statSync(path, { throwIfNoEntry: false });
  } catch (cause) {
    throw explainWrite(shown, cause);
  }
}

/** Of a mode that the executor accepts, whatever the umask: only the owner may write. */
function writeWhole(path: string, bytes: Uint8Array, shown: string): void {
  const fresh = `${path}.${process.pid}.new`;
  try {
    writeFileSync(fresh, bytes, { flag: "wx", mode: 0o644 });
  } catch (cause) {
    throw explainWrite(shown, cause);
  }
  try {
    chmodSync(fresh, 0o644);
    renameSync(fresh, path);
  } catch (cause) {
    rmSync(fresh, { force: true });
    throw explainWrite(shown, cause);
  }
}

function explainWrite(shown: string, cause: unknown): TsjailError {
  const { code } = cause as NodeJS.ErrnoException;
  const why = code === "ENOENT" ? "there is no such directory" : describeErrno(cause);
  return new TsjailError("usage", `${quoteShort(shown, 300)} can't be written: ${why}.`, {
    hint: "Choose a directory of yours that exists.",
    cause,
  });
}
