// `tsjail volume ls|inspect|rm`: the volumes that have names ([[volume]] of a profile). In: a word, a name. Out: a table,
// JSON, or a volume that is gone. Next: src/volume/list.ts, remove.ts.
import { TsjailError } from "../error.ts";
import { helpOption, jsonOption } from "../options.ts";
import { formatSize } from "../plan/describe.ts";
import { quoteShell, quoteWord } from "../plan/escape.ts";
import { describeErrno } from "../profile/parse.ts";
import { formatJson, quoteShort } from "../profile/quote.ts";
import { describeVolume, findVolume, type KeptVolume, listVolumes } from "../volume/list.ts";
import { withVolume } from "../volume/lock.ts";
import { volumesDirectory } from "../volume/place.ts";
import { removeVolume } from "../volume/remove.ts";
import { type Call, type Command, hasOption } from "./command.ts";

export const volume: Command = {
  meta: { name: "volume", description: "List, look at or remove the volumes that jails share" },
  args: { ...jsonOption, ...helpOption },
  words: [
    { name: "action", description: "ls, inspect or rm", required: true, complete: ["ls", "inspect", "rm"] },
    { name: "name", description: "the volume, for inspect and rm", complete: "volume" },
  ],
  examples: [
    ["tsjail volume ls", "which volumes there are, how large, and who has them"],
    ["tsjail volume inspect cache", "all that is known of the volume `cache`, as JSON"],
    ["tsjail volume rm cache", "removes it, with what is in it; not while a jail has it"],
  ],
  run(call: Call): number {
    const [action = "", name] = call.words;
    const act = actions.get(action);
    if (act === undefined) {
      throw new TsjailError("usage", `\`tsjail volume\` does not know ${quoteShort(action)}.`, {
        hint: "It knows ls, inspect and rm.",
      });
    }
    return act(call, requireVolumes(call), name);
  },
};

/** @throws TsjailError `variable_unset` without a home */
function requireVolumes({ environment }: Call): string {
  const volumes = volumesDirectory(environment);
  if (volumes !== undefined) return volumes;
  const message = "No volume is kept: neither XDG_DATA_HOME nor HOME is an absolute path.";
  throw new TsjailError("variable_unset", message, { hint: "Set HOME." });
}

function list(call: Call, volumes: string, name: string | undefined): number {
  if (name !== undefined) throw new TsjailError("usage", "`tsjail volume ls` takes no name.");
  const kept = explainErrno(volumes, "read", () => listVolumes(volumes));
  if (hasOption(call, "json")) {
    call.print(formatJson(kept.map(toJson)));
    return 0;
  }
  if (kept.length === 0) call.log.info(`No volume is kept in ${quoteWord(volumes)}.`);
  const longest = Math.max(...kept.map((each) => each.name.length));
  for (const one of kept) call.print(`${formatVolume(one, longest)}\n`);
  return 0;
}

/** "2026-01-31 12:00:00" */
const formatTime = (time: string | undefined): string =>
  (time ?? "").slice(0, 19).replace("T", " ").padEnd(19);

function formatVolume({ name, record, used, size, holders }: KeptVolume, longest: number): string {
  const created = record === undefined ? "volume.json is damaged" : `made ${formatTime(record.created)}`;
  const use = holders.length === 0 ? "" : `  in use by ${holders.join(", ")}`;
  return `${name.padEnd(longest)}  ${formatSize(size).padStart(12)}  ${created}  used ${formatTime(used)}${use}`.trimEnd();
}

function toJson({ name, directory, record, used, size, holders }: KeptVolume) {
  return { name, directory, ...record, used, size, pids: holders };
}

/** Always JSON: it is all that is known of a volume. */
function inspect(call: Call, volumes: string, given: string | undefined): number {
  const name = requireName("inspect", given);
  const directory = findVolume(volumes, name);
  call.print(formatJson(toJson(explainErrno(directory, "read", () => describeVolume(directory, name)))));
  return 0;
}

function remove(call: Call, volumes: string, given: string | undefined): number {
  const name = requireName("rm", given);
  const directory = findVolume(volumes, name);
  withVolume(name, directory, () => explainErrno(directory, "removed", () => removeVolume(directory)));
  if (hasOption(call, "json")) call.print(`${JSON.stringify({ removed: name })}\n`);
  else call.log.success(`The volume ${quoteWord(name)} is removed.`);
  return 0;
}

function requireName(action: string, name: string | undefined): string {
  if (name !== undefined) return name;
  throw new TsjailError("usage", `\`tsjail volume ${action}\` needs a name.`, {
    hint: "`tsjail volume ls` lists those that are kept.",
  });
}

function explainErrno<T>(path: string, what: string, work: () => T): T {
  try {
    return work();
  } catch (cause) {
    if (cause instanceof TsjailError) throw cause;
    throw new TsjailError("volume_failed", `${quoteWord(path)} can't be ${what}: ${describeErrno(cause)}.`, {
      hint: `Look at it: ls -la ${quoteShell(path)}`,
      cause,
    });
  }
}

const actions = new Map([
  ["ls", list],
  ["inspect", inspect],
  ["rm", remove],
]);
