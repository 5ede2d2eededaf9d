// The text that `tsjail init` writes: a small profile that works as it is, and below it all other keys, commented out,
// in the words of the schema. In: nothing. Out: TOML.

import { formatExample } from "./document.ts";
import { type Key, profileShape, type TableShape } from "./shape.ts";

const head = `# A profile for tsjail: what the jail shows, and what it lets a command do.
#
# \`tsjail check FILE\` finds mistakes, \`tsjail plan --profile FILE\` shows what it comes to.

# The base: the host's tools read-only, a private home and /tmp, no network.
extends = "base"
description = "Work on this project"

# What \`tsjail\` runs when it is given no command.
command = ["\${SHELL:-/bin/sh}"]

[files]
# The directory in which tsjail is started can be written.
write = ["$PWD"]
# More of your home, which is hidden otherwise:
# read = ["~/.gitconfig"]
# What is in the project and should not be seen:
# hide = ["$PWD/.env"]

[network]
# "none": only loopback. "host": the host's network, all of it.
mode = "none"
`;

/** What the head has in a table of its own, or what few will want in a first profile. */
const skipped = new Set(["files", "network", "mount", "user", "namespaces", "root"]);

/** A commented starter profile. */
export function starterProfile(): string {
  const sections = [...profileShape().keys].flatMap(([name, { shape }]) =>
    shape.type === "table" && !skipped.has(name) ? describeSection(name, shape) : [],
  );
  return `${head}\n${sections.join("\n")}
# One mount each, for what [files] can't say:
#
# [[mount]]
# type = "bind"          # or tmpfs, file, symlink, proc, dev, sys, mqueue, hide, protect, none
# source = "~/.cache/pip"
# readonly = false
# optional = true        # passed over where it does not exist
#
# There is more: [user], [namespaces] and [root], in docs/profile.md.
`;
}

function describeSection(name: string, shape: TableShape): string[] {
  const keys = [...shape.keys].flatMap(([key, value]) => describeKey(key, value));
  return [`# ${shape.description ?? ""}\n[${name}]\n${keys.join("\n")}\n`];
}

function describeKey(name: string, key: Key): string[] {
  return [`# ${key.shape.description ?? ""}`, ...formatExample(name, key).map((line) => `# ${line}`)];
}
