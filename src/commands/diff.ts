// `tsjail diff NAME`: what a kept layer has added, changed and removed. In: the layer's name. Out: one line for each
// path. Next: src/layer/diff.ts.
import { TsjailError } from "../error.ts";
import { layerDirectory, storeDirectory } from "../image/place.ts";
import { diffLayer } from "../layer/diff.ts";
import { type Over, readLayer } from "../layer/keep.ts";
import { findLayer } from "../layer/list.ts";
import { layerPlaces } from "../layer/place.ts";
import { helpOption, jsonOption } from "../options.ts";
import { escapeControls, quoteShell } from "../plan/escape.ts";
import { formatJson } from "../profile/quote.ts";
import { type Call, type Command, hasOption } from "./command.ts";
import { requireLayers } from "./layer.ts";

const marks = { added: "+", changed: "~", removed: "-" } as const;

export const diff: Command = {
  meta: { name: "diff", description: "List what a kept layer has added (+), changed (~) and removed (-)" },
  args: { ...jsonOption, ...helpOption },
  words: [{ name: "name", description: "the layer", required: true }],
  examples: [["tsjail diff work", "what the jails with the layer `work` have done"]],
  run(call: Call): number {
    const [name = ""] = call.words;
    const directory = findLayer(requireLayers(call), name);
    const record = readLayer(directory);
    const { upper, about } = layerPlaces(directory);
    if (record === undefined) {
      throw new TsjailError(
        "layer_failed",
        "It can't be said what the layer lies over: its record is damaged.",
        {
          hint: `Look at it: cat ${quoteShell(about)}`,
        },
      );
    }
    const changes = diffLayer(upper, listLower(record.over, call), record.by);
    if (hasOption(call, "json")) call.print(formatJson(changes));
    else for (const { kind, path } of changes) call.print(`${marks[kind]} ${escapeControls(path)}\n`);
    return 0;
  },
};

/** The uppermost first. */
function listLower(over: Over, { environment }: Call): readonly string[] {
  if (over.type === "host") return ["/"];
  if (over.type === "directory") return [over.path];
  const place = { directory: storeDirectory(environment) };
  return over.layers.map((digest) => `${layerDirectory(place, digest)}/fs`).reverse();
}
