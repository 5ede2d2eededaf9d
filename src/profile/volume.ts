// [[volume]]: directories that outlive the jail. Part of schema.ts; compile makes binds of them, src/volume the directories.
import * as v from "valibot";
import { about, flag, path, table, target } from "./field.ts";
import { layerName } from "./layer-name.ts";

export const volumeSchema = v.pipe(
  table({
    name: v.optional(
      about(layerName(), "A volume that tsjail keeps under this name. Either this or `path`.", {
        fallback: "none: `path` says what it is",
        example: 'name = "cache"',
      }),
    ),
    path: v.optional(
      about(path(), "A directory of the host, made where it is missing. Either this or `name`.", {
        fallback: "none: `name` says what it is",
        example: '# or: path = "~/.cache/pip"',
      }),
    ),
    target: about(target(), "Where it appears in the jail.", { example: 'target = "/var/cache"' }),
    readonly: v.optional(about(flag(), "Nothing can be written, in all submounts too."), false),
    noexec: v.optional(about(flag(), "Programs can't be executed."), false),
    copy: v.optional(
      about(
        flag(),
        "Whether a new volume of that name begins with what the jail's root has at the target, where the root is a directory or an image.",
        { fallback: "true with `name`", example: "copy = false" },
      ),
    ),
  }),
  v.check(
    ({ name, path: place }) => (name === undefined) !== (place === undefined),
    "needs either name or path, and not both",
  ),
  v.check(
    ({ name, copy }) => name !== undefined || copy !== true,
    "can't have copy = true with a path: only a volume with a name begins with a copy",
  ),
);
