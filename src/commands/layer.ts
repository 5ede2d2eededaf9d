// `tsjail layer ls|rm|export`: the layers that are kept (root.writable = "persistent"). In: a word, a name. Out: a table,
// an archive, or a layer that is gone. Next: src/layer/list.ts, remove.ts, pack.ts; what is in one, `tsjail diff` tells.
import { closeSync, existsSync, openSync, unlinkSync, writeSync } from "node:fs";
import { resolve } from "node:path";
import { TsjailError } from "../error.ts";
import { describeOver, readLayer } from "../layer/keep.ts";
import { findLayer, type KeptLayer, listLayers } from "../layer/list.ts";
import { withLayer } from "../layer/lock.ts";
import { packLayer } from "../layer/pack.ts";
import { layerPlaces, layersDirectory } from "../layer/place.ts";
import { removeLayer } from "../layer/remove.ts";
import { helpOption, jsonOption } from "../options.ts";
import { formatSize } from "../plan/describe.ts";
import { quoteShell, quoteWord } from "../plan/escape.ts";
import { describeErrno } from "../profile/parse.ts";
import { formatJson, quoteShort } from "../profile/quote.ts";
import { type Call, type Command, hasOption } from "./command.ts";

export const layer: Command = {
  meta: { name: "layer", description: "List, remove or export the layers that jails have written to" },
  args: { ...jsonOption, ...helpOption },
  words: [
    { name: "action", description: "ls, rm or export", required: true, complete: ["ls", "rm", "export"] },
    { name: "name", description: "the layer, for rm and export", complete: "layer" },
    { name: "file", description: "the archive, for export; it must not exist" },
  ],
  examples: [
    ["tsjail layer ls", "which layers there are, over what, and who has them"],
    ["tsjail layer export work work.tar", "an archive in the form of an image's layer"],
    ["tsjail layer rm work", "removes the layer `work`, whatever is in it"],
  ],
  run(call: Call): number {
    const [action = "", name, file] = call.words;
    const act = actions.get(action);
    if (act === undefined) {
      throw new TsjailError("usage", `\`tsjail layer\` does not know ${quoteShort(action)}.`, {
        hint: "It knows ls, rm and export.",
      });
    }
    return act(call, requireLayers(call), name, file);
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

/** @throws TsjailError `usage` for too few words, or too many */
function requireWords(action: string, words: readonly (string | undefined)[], wanted: number): string[] {
  const given = words.filter((word) => word !== undefined);
  if (given.length === wanted) return given;
  throw new TsjailError(
    "usage",
    `\`tsjail layer ${action}\` needs a name${wanted === 1 ? "" : " and a file"}.`,
    {
      hint: "`tsjail layer ls` lists those that are kept.",
    },
  );
}

/** Not while a jail writes to it: it would be half of one thing and half of another. */
function exportLayer(call: Call, layers: string, ...words: (string | undefined)[]): number {
  const [name = "", file = ""] = requireWords("export", words, 2);
  const directory = findLayer(layers, name);
  const path = resolve(call.cwd, file);
  withLayer(name, directory, () => explainErrno(path, "written", () => writeArchive(path, directory)));
  if (hasOption(call, "json")) call.print(`${JSON.stringify({ exported: name, file: path })}\n`);
  else call.log.success(`The layer ${quoteWord(name)} is exported to ${quoteWord(path)}.`);
  return 0;
}

function writeArchive(path: string, directory: string): void {
  if (existsSync(path)) {
    throw new TsjailError("usage", `${quoteWord(path)} exists already.`, {
      hint: "Give another name, or remove it first.",
    });
  }
  const fd = openSync(path, "wx", 0o644);
  try {
    for (const piece of packLayer(layerPlaces(directory).upper, readLayer(directory)?.by ?? "kernel"))
      for (let at = 0; at < piece.length; ) at += writeSync(fd, piece, at);
  } catch (error) {
    unlinkSync(path);
    throw error;
  } finally {
    closeSync(fd);
  }
}

function remove(call: Call, layers: string, ...words: (string | undefined)[]): number {
  const [name = ""] = requireWords("rm", words, 1);
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

const actions = new Map([
  ["ls", list],
  ["rm", remove],
  ["export", exportLayer],
]);
