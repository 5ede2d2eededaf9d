// `tsjail image push NAME [REF]`: an image of the store into a registry. In: its name here, its name there. Out: the
// latter with its digest, on standard output. commands/image.ts has it among its actions.
import { TsjailError } from "../error.ts";
import type { OptionTable } from "../options.ts";
import { formatJson, quoteShort } from "../profile/quote.ts";
import { formatReference } from "../registry/reference.ts";
import type { ImageSource } from "../registry/sink.ts";
import { type Call, type Command, hasOption } from "./command.ts";
import { openClient, readValue, registryOptions, showProgress, type WithStore } from "./image-options.ts";

const args = {
  chunk: {
    type: "string",
    valueHint: "SIZE",
    description: "Send requests of this size at most, and go on with a broken one",
    example: "--chunk 8M",
  },
  ...registryOptions,
} as const satisfies OptionTable;

/** @param withStore called once, when the command line is understood */
export function createImagePush(withStore: WithStore<ImageSource>): Command {
  return {
    meta: { name: "image push", description: "Put an image into a registry" },
    args,
    words: [
      { name: "name", description: "The image's name here", required: true },
      { name: "ref", description: "Its name there, with the registry (default: NAME)" },
    ],
    examples: [
      ["tsjail image push localhost:5000/team/app:v1", "where its name says"],
      ["tsjail image push debian:12 localhost:5000/debian:12", "elsewhere"],
    ],
    run: (call) => push(call, withStore),
  };
}

async function push(call: Call, withStore: WithStore<ImageSource>): Promise<number> {
  const [name = "", ref = name] = call.words;
  const { pushImage } = await import("../registry/push.ts");
  const size = readValue(call, "chunk");
  const chunk = size === undefined ? undefined : parseChunk(size);
  const client = await openClient(call, ref);
  const progress = showProgress(call);
  try {
    if (client.reference.digest !== undefined)
      throw new TsjailError("usage", `${quoteShort(ref, 200)} has a digest, which the image itself gives.`, {
        hint: "Push to a tag: tsjail image push NAME REGISTRY/REPOSITORY:TAG",
      });
    return await withStore(call, async (source) => {
      const image = await source.findImage(name);
      if (image === undefined)
        throw new TsjailError("usage", `There is no image called ${quoteShort(name, 200)} here.`, {
          hint: "`tsjail image ls` lists those that there are.",
        });
      await pushImage({ client, source, image, progress, chunk });
      const there = formatReference(client.reference);
      const { digest } = image.manifest;
      call.print(hasOption(call, "json") ? formatJson({ name: there, digest }) : `${there}@${digest}\n`);
      return 0;
    });
  } finally {
    progress.end();
    await client.close();
  }
}

const smallestChunk = 64 * 1024;

/** "8M" as bytes. */
function parseChunk(text: string): number {
  const [, digits = "", unit = ""] = /^(\d{1,6})([KMG]?)$/.exec(text) ?? [];
  const bytes = Number(digits) * 1024 ** (unit === "" ? 0 : "KMG".indexOf(unit) + 1);
  if (digits !== "" && bytes >= smallestChunk) return bytes;
  throw new TsjailError("usage", `--chunk ${quoteShort(text)} is no size of at least 64K.`, {
    hint: "Write --chunk SIZE with K, M or G, for example: --chunk 8M",
  });
}
