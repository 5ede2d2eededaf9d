// `tsjail commit LAYER IMAGE`: what a kept layer holds becomes an image's uppermost layer. In: two names. Out: an image
// in the store (src/layer/commit.ts).
import { helpOption, jsonOption, type OptionTable } from "../options.ts";
import { quoteWord } from "../plan/escape.ts";
import { formatJson } from "../profile/quote.ts";
import { type Call, type Command, hasOption } from "./command.ts";

const commitOptions = {
  message: {
    type: "string",
    alias: "m",
    valueHint: "TEXT",
    description: "What the image's history says of it",
    example: '--message "with a compiler"',
  },
} as const satisfies OptionTable;

export const commit: Command = {
  meta: { name: "commit", description: "Make an image of a kept layer" },
  args: { ...commitOptions, ...jsonOption, ...helpOption },
  words: [
    { name: "layer", description: "The name of a kept layer", required: true },
    { name: "image", description: "What the image is called", required: true },
  ],
  examples: [
    ["tsjail commit work debian:work", "debian:12 and what was installed on top of it"],
    ["tsjail commit work debian:git -m git", "SOURCE_DATE_EPOCH makes it the same every time"],
  ],
  async run(call: Call): Promise<number> {
    const [layer = "", name = ""] = call.words;
    const { readEpoch } = await import("../image/epoch.ts");
    const { commitLayer } = await import("../layer/commit.ts");
    const { useStore } = await import("../image/store.ts");
    const comment = call.given.filter((one) => one.name === "message").at(-1)?.value;
    const epoch = readEpoch(call.environment);
    const image = await useStore(call.environment, { lock: "shared", doing: "The commit" }, (store) =>
      commitLayer(store, { layer, name, comment, epoch }),
    );
    if (hasOption(call, "json")) call.print(formatJson(image));
    else call.log.success(`${quoteWord(image.name)}: made of the layer ${quoteWord(layer)}.`);
    return 0;
  },
};
