// time-limit: 300s
// Attacks on processes outside, and on tsjail's own inside. In: programs/processes.c and a victim. The driver is
// attack.ts.
import { copyFileSync } from "node:fs";
import { join } from "node:path";
import { attacks } from "./attack.ts";
import type { World } from "./world.ts";

const attack = attacks("processes");

// ptrace_may_access(): the same user is not enough where the other one is in another user namespace.
for (const [name, program, filter] of [
  ["trace a process of the host", "trace", []],
  ["write to its memory", "write_memory", []],
  ["read its memory", "read_memory", []],
  ["take a descriptor from it", "take_descriptor", ["seccomp"]],
  ["enter its root, its directory, its memory by /proc", "enter_proc", []],
] as const) {
  const layers = ["pid namespace", "user namespace", ...filter] as const;
  attack({ name, layers, words: ({ victim }) => [program, ...victim.words] });
}

for (const [name, program, more] of [
  ["send it a signal", "send_signal", ["landlock's scopes"]],
  ["change its priority and limits", "change_priority", []],
] as const) {
  attack({ name, layers: ["pid namespace", ...more], words: ({ victim }) => [program, ...victim.words] });
}

attack({
  name: "find any process that leads to a secret",
  layers: ["pid namespace", "user namespace"],
  words: ({ hidden }) => ["find_secret", "a secret", hidden],
});

const inGroup = (look: string) => () => ["sh", "-c", look, "sh"];

attack({
  name: "send a signal to the caller's process group",
  layers: ["own session"],
  words: () => ["signal_group"],
  through: inGroup('trap "echo escaped: the caller got it" USR1; "$@"; exit 0'),
  twin: { through: inGroup('trap "echo escaped: the caller got it" USR1; "$@"; exit 0') },
});

const lookAtNice = 'before=$(nice); "$@"; test "$(nice)" = "$before" || echo escaped: "$(nice)"';

attack({
  name: "change the priority of the caller's process group",
  layers: ["own session"],
  words: () => ["change_group_priority"],
  through: inGroup(lookAtNice),
  twin: { through: inGroup(lookAtNice) },
});

/** A program of the same user's that starts the attack, as init does in a jail. */
const asChild = ({ program }: World) => [program, "run"];

attack({
  name: "end or stop init",
  layers: ["pid 1"],
  words: () => ["kill_parent"],
  twin: { through: asChild },
});

attack({
  name: "trace init, and open what procfs shows of it",
  layers: ["init not dumpable"],
  words: () => ["trace_parent"],
  twin: { through: asChild },
});

attack({
  name: "overwrite the program that runs the jail",
  cve: "CVE-2019-5736",
  layers: ["init not dumpable"],
  words: () => ["overwrite_parent"],
  twin: {
    through: ({ program, directory }) => {
      const copy = join(directory, "sacrifice");
      copyFileSync(program, copy);
      return [copy, "run"];
    },
  },
});
