// `tsjail image pull REF`: an image from a registry. In: a name, and the store. Out: the image in the store, its name
// with its digest on standard output. commands/image.ts has it among its actions.

import { TsjailError } from "../error.ts";
import type { OptionTable } from "../options.ts";
import { formatJson, quoteShort } from "../profile/quote.ts";
import { formatReference, parseReference } from "../registry/reference.ts";
import type { Image, ImageSink } from "../registry/sink.ts";
import { type Call, type Command, hasOption } from "./command.ts";
import { openClient, readValue, registryOptions, showProgress, type WithStore } from "./image-options.ts";

const args = {
  name: {
    type: "string",
    valueHint: "NAME",
    description: "What it is called here (default: REF)",
    example: "--name mine:1",
  },
  platform: {
    type: "string",
    valueHint: "OS/ARCHITECTURE",
    description: "Another platform than this machine's",
    example: "--platform linux/arm64",
  },
  ...registryOptions,
} as const satisfies OptionTable;

/** @param withStore called once, when the command line is understood */
export function createImagePull(withStore: WithStore<ImageSink>): Command {
  return {
    meta: { name: "image pull", description: "Take an image from a registry" },
    args,
    words: [{ name: "ref", description: "The image's name, with its registry", required: true }],
    examples: [
      ["tsjail image pull debian:12", "from the registry that docker uses where none is named"],
      ["tsjail image pull localhost:5000/team/app@sha256:…", "exactly that one"],
    ],
    run: (call) => pull(call, withStore),
  };
}

async function pull(call: Call, withStore: WithStore<ImageSink>): Promise<number> {
  const [ref = ""] = call.words;
  const { parsePlatform } = await import("../registry/manifest.ts");
  const wanted = readValue(call, "platform");
  const platform = parsePlatform(wanted);
  if (platform === undefined)
    throw new TsjailError("usage", `--platform ${quoteShort(wanted ?? "")} is no platform.`, {
      hint: "Write OS/ARCHITECTURE[/VARIANT], for example: --platform linux/arm64",
    });
  const name = formatReference(parseReference(readValue(call, "name") ?? ref));
  const client = await openClient(call, ref);
  const progress = showProgress(call);
  try {
    return await withStore(call, async (sink) => {
      const { pullImage } = await import("../registry/pull.ts");
      return report(call, await pullImage({ client, sink, platform, progress, name }));
    });
  } finally {
    progress.end();
    await client.close();
  }
}

function report(call: Call, { name, manifest, config, layers }: Image): number {
  const { digest } = manifest;
  if (hasOption(call, "json")) {
    const list = layers.map((layer) => ({ digest: layer.digest, size: layer.size }));
    call.print(formatJson({ name, digest, config: config.digest, layers: list }));
  } else call.print(`${name.replace(/@.*/, "")}@${digest}\n`);
  return 0;
}
