// `tsjail image ACTION`: root file systems that are kept by name. In: a word, and what it is about. Out: a table, a
// changed store. The work is in src/image; pull and push are src/registry's.
import { resolve } from "node:path";
import { TsjailError } from "../error.ts";
import { helpOption, jsonOption, type OptionTable } from "../options.ts";
import { quoteShort } from "../profile/quote.ts";
import { parseSize } from "../profile/units.ts";
import type { ImageSink, ImageSource } from "../registry/sink.ts";
import type { Call, Command } from "./command.ts";
import { createImagePull } from "./image-pull.ts";
import { createImagePush } from "./image-push.ts";

const imageOptions = {
  name: {
    type: "string",
    valueHint: "NAME",
    description: "import, pull: what it is called (default: as it says, or as the file)",
    example: "--name debian:12",
  },
  limit: {
    type: "string",
    valueHint: "SIZE",
    description: "import, pull: what a layer may unpack to (default: 32G)",
    example: "--limit 100G",
  },
  format: {
    type: "string",
    valueHint: "oci|docker",
    description: "export: an OCI layout, or as docker save (default: oci)",
    example: "--format docker",
    complete: ["oci", "docker"],
  },
} as const satisfies OptionTable;

const actions = ["import", "pull", "push", "ls", "inspect", "rm", "tag", "prune", "export"] as const;

/** @param doing as the beginning of a sentence, for what goes wrong */
async function lendStore(
  call: Call,
  doing: string,
  work: (store: ImageSink & ImageSource) => Promise<number>,
): Promise<number> {
  const { useStore } = await import("../image/store.ts");
  const { createSink } = await import("../image/sink.ts");
  const { defaultLimits } = await import("../image/unpack.ts");
  const { limit } = readImport(call);
  const limits = limit === undefined ? defaultLimits : { ...defaultLimits, size: limit };
  return useStore(call.environment, { lock: "shared", doing }, (store) => work(createSink(store, limits)));
}

const pull = createImagePull((call, work) => lendStore(call, "The pull", work));
const push = createImagePush((call, work) => lendStore(call, "The push", work));

export const image: Command = {
  meta: { name: "image", description: "Import, pull, push, list, remove and export root file systems" },
  args: { ...pull.args, ...push.args, ...imageOptions, ...jsonOption, ...helpOption },
  words: [
    { name: "action", description: actions.join(", "), required: true, complete: actions },
    { name: "what", description: "A file or directory, or the name of an image", complete: "file" },
    { name: "to", description: "tag: the new name; export: a file or directory", complete: "file" },
  ],
  examples: [
    ["tsjail image import debian.tar.xz --name debian:12", "a root file system, as debootstrap makes it"],
    ["tsjail image import saved.tar", "what docker save or skopeo wrote; - is standard input"],
    ["tsjail image pull debian:12", "from the registry that docker uses where none is named"],
    ["tsjail image push debian:12 localhost:5000/debian:12", "into one of your own"],
    ["tsjail image ls", "what is there"],
    [
      "tsjail image export debian:12 debian.tar",
      "for skopeo, podman or docker; a directory with a / at its end",
    ],
    ["tsjail image rm debian:12", "and what only it needed"],
  ],
  async run(call: Call): Promise<number> {
    const [action = "", ...words] = call.words;
    const rest = { ...call, words };
    const work = await import("../image/actions.ts");
    const known: Readonly<Record<(typeof actions)[number], (...words: string[]) => Promise<number>>> = {
      import: (path) => work.importAction(call, { path: locate(call, path), ...readImport(call) }),
      pull: async () => pull.run(rest),
      push: async () => push.run(rest),
      ls: () => work.listAction(call),
      inspect: (name) => work.inspectAction(call, name as string),
      rm: (name) => work.removeAction(call, name as string),
      tag: (name, to) => work.tagAction(call, name as string, to as string),
      prune: () => work.pruneAction(call),
      export: (name, to) =>
        work.exportAction(call, { name: name as string, path: to as string, format: readFormat(call) }),
    };
    if (!Object.hasOwn(known, action)) {
      throw new TsjailError("usage", `\`tsjail image\` does not know ${quoteShort(action)}.`, {
        hint: `It knows ${actions.join(", ")}.`,
      });
    }
    checkCount(action as keyof typeof wanted, words);
    return known[action as keyof typeof known](...words);
  },
};

/** The words after each. */
const wanted = {
  import: ["FILE"],
  pull: ["REF"],
  push: ["NAME"],
  ls: [],
  inspect: ["NAME"],
  rm: ["NAME"],
  tag: ["NAME", "NEW"],
  prune: [],
  export: ["NAME", "FILE"],
} as const;

function checkCount(action: keyof typeof wanted, words: readonly string[]): void {
  const names = wanted[action];
  if (words.length === names.length || (action === "push" && words.length === 2)) return;
  const form = ["tsjail image", action, ...names].join(" ");
  const what =
    words.length < names.length
      ? `needs ${names[words.length]}`
      : `takes no ${quoteShort(words[names.length] ?? "")}`;
  throw new TsjailError("usage", `\`tsjail image ${action}\` ${what}.`, { hint: `Write: ${form}` });
}

const locate = ({ cwd }: Call, path = ""): string => (path === "-" ? path : resolve(cwd, path));

const lastOf = ({ given }: Call, name: string): string | undefined =>
  given.filter((one) => one.name === name).at(-1)?.value;

function readImport(call: Call): { name: string | undefined; limit: number | undefined } {
  const limit = lastOf(call, "limit");
  try {
    return { name: lastOf(call, "name"), limit: limit === undefined ? undefined : parseSize(limit) };
  } catch (cause) {
    const message = `--limit ${limit}: it ${(cause as Error).message}.`;
    throw new TsjailError("usage", message, { hint: "Write for example: --limit 100G", cause });
  }
}

function readFormat(call: Call): "oci" | "docker" {
  const format = lastOf(call, "format") ?? "oci";
  if (format === "oci" || format === "docker") return format;
  throw new TsjailError("usage", `--format ${format}: there is no such format.`, {
    hint: "Write --format oci or --format docker.",
  });
}
