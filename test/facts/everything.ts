// A profile that uses everything that a profile can use, and command lines that find others in every way. Used by the
// tests of what a plan depends on.
import { makeWorld, type World } from "../cache/world.ts";
import { hostPrograms, mount } from "../support/jail.ts";
import type { TestContext } from "../support/suite.ts";

const box = `extends = ["../parts/more.toml", "untrusted"]
hostname = "\${COLOUR:-plain}"
command = ["\${SHELL:-/bin/sh}"]
[env]
pass = ["WORD_*"]
set = { A = "\${ONE:-\${TWO:-three}}", USER = "$USER", RUN = "\${XDG_RUNTIME_DIR:-none}", DATA = "$XDG_DATA_DIRS" }
[root]
type = "directory"
path = "$BASE/root"
[files]
read = ["$PWD"]
hide = ["/secret", "/gone", "/link/inside"]
[network]
mode = "host"
${mount("bind", { source: "$BASE/link/below", target: "/data" })}
${mount("bind", { source: "~/nothing", target: "/optional", optional: true })}
${mount("bind", { source: "$XDG_STATE_HOME", target: "/etc/hosts", optional: true })}
${mount("file", { source: "~/motd", target: "/motd" })}`;

const files = {
  "work/box.toml": box,
  "parts/more.toml": hostPrograms,
  "home/motd": "good day\n",
  "root/etc/passwd": "root:x:0:0:root:/root:/bin/sh\n",
  "root/secret/key": "",
  "root/else/inside/x": "",
  "real/below/file": "",
  "config/tsjail/mine.toml": 'extends = "base"\n',
  "trusted/tsjail.toml": 'extends = ["base", "./more.toml"]\n',
  "trusted/more.toml": 'hostname = "x"\n',
};

export function makeBox(context: TestContext): World {
  const world = makeWorld(context, files);
  world.link("link", "real");
  world.link("root/link", "else");
  world.link("root/etc/group", "/etc/groups/none");
  return world;
}

/** Command lines, and where they are given. */
export const lines: readonly (readonly [string, readonly string[]])[] = [
  ["work", ["-p", "./box.toml"]],
  ["work", ["-p", "box", "--bind", "../link:/mnt", "--hide", "/usr/share", "--env", "HOME"]],
  ["work", ["-p", "mine"]],
  ["work", []],
  ["trusted", []],
  ...["base", "dev", "ci", "offline", "untrusted"].map((name) => ["work", ["-p", name]] as const),
];
