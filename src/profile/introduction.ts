// The beginning of docs/profile.md: what a table of keys can't say. Part of document.ts.

export const introduction = `<!-- Generated from src/profile by \`npm run generate\`; do not edit. -->

# Profiles

A profile says what a jail is: what it shows, what it can write, which network it has, how its command runs.
It is one [TOML](https://toml.io) file. Where it says nothing the default is the closed one (no network, no environment,
no rights, nothing writable), but for the root: unless \`[root]\` says otherwise the host's tree can be read, and
\`extends = "base"\` takes what is personal out of it.

\`\`\`toml
extends = "base"
description = "Work on this project"
command = ["bash"]

[files]
write = ["$PWD"]

[network]
mode = "host"
\`\`\`

In TOML, what comes after a \`[table]\` line belongs to that table, so keys without one stand at the top.

\`tsjail --profile ./work.toml\` starts it. \`tsjail init\` writes a profile to start from, \`tsjail check\` says
everything that is wrong with one, \`tsjail plan\` shows what it comes to. \`tsjail schema\` prints a JSON Schema, with
which editors complete and check profiles; TOML editors read it from a first line
\`#:schema ./tsjail.schema.json\`.

## Where a profile is found

\`--profile\` takes a path, which has a slash in it, or a name. A name is looked for as \`NAME.toml\` in the current
directory, then in \`$XDG_CONFIG_HOME/tsjail\` (\`~/.config/tsjail\`), then among the profiles that come with tsjail:

| | |
| --- | --- |
| \`base\` | the host's tools, read-only; a private home and /tmp; no network |
| \`dev\` | \`base\`, with this project and chosen caches writable, and the host's network |
| \`offline\` | \`dev\` without a network |
| \`ci\` | \`base\` with fixed surroundings, for builds that come out the same everywhere |
| \`untrusted\` | nothing of the host but its programs and libraries; tight limits |
| \`image\` | what an image or a root directory needs around it ([images.md](images.md)) |
| \`debian\`, \`alpine\`, \`busybox\` | throw-away systems on images of these names |
| \`env\` | what environments build on ([environments.md](environments.md)) |
| \`secrets\` | hides what in a home is nobody's business; for others to extend |

Without \`--profile\` it is \`./tsjail.toml\` if there is one, else \`base\`.

A \`./tsjail.toml\` has to be trusted first: \`tsjail trust\` records a hash of it and of every file that it extends, in
\`$XDG_DATA_HOME/tsjail/trusted\`. When one of them changes, it has to be trusted again. The same goes for a file in the
current directory that has the name of one of your own or of the shipped profiles and is asked for by that name alone:
whoever made the directory must not choose your jail. A profile that is given by its path needs no trust.

A profile can be a program of its own: begin it with \`#!/usr/bin/env -S tsjail --profile\`, make it executable,
and \`./work.toml make test\` runs \`make test\` in it.

## Building on other profiles

\`extends\` names one or several profiles that this one builds on; the chain may be as deep as you like, but not a circle.
Base first, then this file, then the command line, each a layer over those before:

- Tables are merged key by key.
- The lists \`files.*\`, \`mount\`, \`volume\`, \`env.pass\` and \`env.unset\` grow; exact duplicates count once.
- Everything else, other lists too, is replaced by the later layer.

Within a layer the order of paths, mounts and volumes means nothing. One path with two intentions in one layer, such as \`read\` and
\`hide\`, is an error that names both places; between layers the later one wins, and a mount of the type \`none\` takes
away what an earlier one put there, or protected.

On the command line \`--set key=value\` sets any key, as in \`--set rlimits.nofile=512\`; the value is TOML, or a string if
it isn't. \`--set key+=value\` puts a value on the end of a list that would be replaced.

## Variables

In all strings but \`description\`:

| | |
| --- | --- |
| \`$NAME\`, \`\${NAME}\` | the caller's variable; not being set is an error |
| \`\${NAME:-default}\` | the default if it is not set or empty; variables may be in it |
| \`$PWD\` | the current directory, whatever the environment says |
| \`$HOME\`, \`$USER\` | from the user database where they are not set |
| \`$XDG_CONFIG_HOME\`, \`_DATA_HOME\`, \`_STATE_HOME\`, \`_CACHE_HOME\`, \`_CONFIG_DIRS\`, \`_DATA_DIRS\` | with the defaults of the XDG Base Directory Specification |
| \`~\`, \`~/…\` | the home directory, at the start of a path |
| \`$$\` | a dollar sign; one that is not followed by a name, a brace or another one needs no doubling |

## Values

| | |
| --- | --- |
| path | absolute once its variables are replaced; \`.\`, \`..\` and double slashes are resolved by name, as \`cd\` does |
| size | bytes, or a string with a unit: \`"512M"\`, \`"2GiB"\`, \`"1.5G"\`; K, M, G and T are powers of 1024 |
| duration | a string with units: \`"150ms"\`, \`"10s"\`, \`"1h30m"\`, \`"2d"\` |
| octal mode | a string: \`"0755"\`, \`"1777"\` |
| name or glob | the name of an environment variable; \`*\` stands for any characters, none too |
| capability | \`"CAP_NET_BIND_SERVICE"\` or \`"net_bind_service"\` |`;
