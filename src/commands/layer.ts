// `tsjail layer ls|rm`: the layers that are kept (root.writable = "persistent"). In: a word, names. Out: a table, or
// layers that are gone. Next: src/layer/list.ts, remove.ts; what is in one, `tsjail diff` tells.
import { TsjailError } from "../error.ts";
import { describeOver } from "../layer/keep.ts";
import { findLayer, type KeptLayer, listLayers } from "../layer/list.ts";
import { withLayer } from "../layer/lock.ts";
import { layersDirectory } from "../layer/place.ts";
import { removeLayer } from "../layer/remove.ts";
import { helpOption, jsonOption } from "../options.ts";
import { formatSize } from "../plan/describe.ts";
import { quoteShell, quoteWord } from "../plan/escape.ts";
import { describeErrno } from "../profile/parse.ts";
import { formatJson, quoteShort } from "../profile/quote.ts";
import { type Call, type Command, hasOption } from "./command.ts";

export const layer: Command = {
  meta: { name: "layer", description: "List or remove the layers that jails have written to" },
  args: { ...jsonOption, ...helpOption },
  words: [
    { name: "action", description: "ls or rm", required: true, complete: ["ls", "rm"] },
    { name: "name", description: "the layer, for rm" },
  ],
  examples: [
    ["tsjail layer ls", "which layers there are, over what, and who has them"],
    ["tsjail layer rm work", "removes the layer `work`, whatever is in it"],
  ],
  run(call: Call): number {
    const [action = "", name] = call.words;
    const act = action === "ls" ? list : action === "rm" ? remove : undefined;
    if (act === undefined) {
      throw new TsjailError("usage", `\`tsjail layer\` does not know ${quoteShort(action)}.`, {
        hint: "It knows ls and rm.",
      });
    }
    return act(call, requireLayers(call), name);
  },
};

/** @throws TsjailError `variable_unset` without a home */
export function requireLayers({ environment }: Call): string {
  const layers = layersDirectory(environment);
  if (layers !== undefined) return layers;
  const message = "No layer is kept: neither XDG_DATA_HOME nor HOME is an absolute path.";
  throw new TsjailError("variable_unset", message, { hint: "Set HOME." });
}

function list(call: Call, layers: string, name: string | undefined): number {
  if (name !== undefined) throw new TsjailError("usage", "`tsjail layer ls` takes no name.");
  const kept = explainErrno(layers, "read", () => listLayers(layers));
  if (hasOption(call, "json")) {
    call.print(
      formatJson(kept.map(({ record, holder, ...rest }) => ({ ...rest, ...record, pid: holder ?? null }))),
    );
    return 0;
  }
  if (kept.length === 0) call.log.info(`No layer is kept in ${quoteWord(layers)}.`);
  const longest = Math.max(...kept.map(({ name }) => name.length));
  for (const one of kept) call.print(`${formatLayer(one, longest)}\n`);
  return 0;
}

function formatLayer({ name, record, size, holder }: KeptLayer, longest: number): string {
  const when = record === undefined ? "" : record.created.slice(0, 19).replace("T", " ");
  const over =
    record === undefined ? "of no use: layer.json is damaged" : `over ${describeOver(record.over)}`;
  const use = holder === undefined ? "" : `  in use${holder === 0 ? "" : ` by process ${holder}`}`;
  return `${name.padEnd(longest)}  ${when.padEnd(19)}  ${formatSize(size).padStart(12)}  ${over}${use}`;
}

function remove(call: Call, layers: string, name: string | undefined): number {
  if (name === undefined) {
    throw new TsjailError("usage", "`tsjail layer rm` needs the name of a layer.", {
      hint: "`tsjail layer ls` lists those that are kept.",
    });
  }
  const directory = findLayer(layers, name);
  withLayer(name, directory, () => explainErrno(directory, "removed", () => removeLayer(directory)));
  if (hasOption(call, "json")) call.print(`${JSON.stringify({ removed: name })}\n`);
  else call.log.success(`The layer ${quoteWord(name)} is removed.`);
  return 0;
}

function explainErrno<T>(path: string, what: string, work: () => T): T {
  try {
    return work();
  } catch (cause) {
    if (cause instanceof TsjailError) throw cause;
    throw new TsjailError("layer_failed", `${quoteWord(path)} can't be ${what}: ${describeErrno(cause)}.`, {
      hint: `Look at it: ls -la ${quoteShell(path)}`,
      cause,
    });
  }
}
