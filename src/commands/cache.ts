// `tsjail cache ls|clear`: the plans that are kept so that a start needs no Node. In: a word. Out: a table, or an empty
// directory (cache/list.ts).
import { dirname, join } from "node:path";
import { clearCode, clearKept, listKept } from "../cache/list.ts";
import { planDirectory } from "../cache/place.ts";
import { TsjailError } from "../error.ts";
import { helpOption, jsonOption } from "../options.ts";
import { formatSize } from "../plan/describe.ts";
import { quoteShell, quoteWord } from "../plan/escape.ts";
import { describeErrno } from "../profile/parse.ts";
import { formatJson, quoteShort } from "../profile/quote.ts";
import { type Call, type Command, hasOption } from "./command.ts";

export const cache: Command = {
  meta: { name: "cache", description: "List or remove the compiled plans that are kept" },
  args: { ...jsonOption, ...helpOption },
  words: [{ name: "action", description: "ls or clear", required: true, complete: ["ls", "clear"] }],
  examples: [
    ["tsjail cache ls", "what is kept, the newest first"],
    ["tsjail cache clear", "the next start of each compiles anew"],
  ],
  run(call: Call): number {
    const [action = ""] = call.words;
    const act = action === "ls" ? list : action === "clear" ? clear : undefined;
    if (act === undefined) {
      throw new TsjailError("usage", `\`tsjail cache\` does not know ${quoteShort(action)}.`, {
        hint: "It knows ls and clear.",
      });
    }
    const directory = planDirectory(call.environment);
    if (directory === undefined) {
      const message = "Nothing is kept: neither XDG_CACHE_HOME nor HOME is an absolute path.";
      throw new TsjailError("variable_unset", message, { hint: "Set HOME." });
    }
    try {
      return act(call, directory);
    } catch (cause) {
      // Whoever read our output has gone.
      if ((cause as NodeJS.ErrnoException).code === "EPIPE") throw cause;
      const message = `${directory} can't be ${action === "ls" ? "read" : "cleared"}: ${describeErrno(cause)}.`;
      throw new TsjailError("usage", message, { hint: `Look at it: ls -ld ${quoteShell(directory)}`, cause });
    }
  },
};

function list(call: Call, directory: string): number {
  const kept = listKept(directory);
  if (hasOption(call, "json")) {
    call.print(formatJson(kept));
    return 0;
  }
  if (kept.length === 0) call.log.info(`No plan is kept in ${quoteWord(directory)}.`);
  for (const { size, time, invocation } of kept) {
    const when = new Date(time).toISOString().slice(0, 19).replace("T", " ");
    const what =
      invocation === undefined
        ? "of no use: damaged, or of another version"
        : `${["tsjail", ...invocation.options].map(quoteWord).join(" ")}  in ${quoteWord(invocation.directory)}`;
    call.print(`${when}  ${formatSize(size).padStart(12)}  ${what}\n`);
  }
  return 0;
}

function clear(call: Call, directory: string): number {
  const count = clearKept(directory);
  clearCode(join(dirname(directory), "code"));
  if (hasOption(call, "json")) {
    call.print(`${JSON.stringify({ removed: count })}\n`);
    return 0;
  }
  call.log.success(`${count} ${count === 1 ? "plan" : "plans"} removed.`);
  return 0;
}
