// time-limit: 300s
// System calls that only a filter stops, and the ways around filters. In: programs/calls.c. The driver is attack.ts.
import { readFileSync } from "node:fs";
import * as assert from "../support/assert.ts";
import { type Attack, attacks, profiles } from "./attack.ts";
import { runJail, runPlan, runTwin } from "./run.ts";

const attack = attacks("system calls");
const isRoot = process.getuid?.() === 0;

/** Why the kernel here refuses it to everybody. */
function setting(path: string, refuses: (value: number) => boolean): () => string | undefined {
  return () => {
    try {
      const value = Number(readFileSync(path, "utf8"));
      return refuses(value) ? `${path} is ${value}` : undefined;
    } catch {
      return undefined;
    }
  };
}

const filterOnly = (name: string, program: string, more: Partial<Attack> = {}) =>
  attack({ name, layers: ["seccomp"], words: () => [program], ...more });

filterOnly("make a system call of i386", "call_i386", {
  needs: ["x64"],
  row: "make a system call of another ABI",
});
filterOnly("set up an io_uring", "set_up_ring", {
  refused: setting("/proc/sys/kernel/io_uring_disabled", (value) => value > (isRoot ? 1 : 0)),
});
const paranoid = setting("/proc/sys/kernel/perf_event_paranoid", (value) => value > 2);
// There it is a matter of capabilities, which root has without a jail and nobody in it.
if (!isRoot || paranoid() === undefined)
  filterOnly("count events of the processor", "count_events", { refused: paranoid });
filterOnly("handle page faults of the kernel's", "fault_in_user_space");
filterOnly("make memory executable by a personality, with high bits too", "change_personality");
filterOnly("paste on a console by TIOCLINUX, with high bits too", "ask_console", { cve: "CVE-2017-5226" });
filterOnly("change a call that the filter has let through, by ptrace", "change_call");
filterOnly("load a filter that lets everything through", "loosen_filter");

// Most kernels are built without x32: there it is refused with a jail and without.
attack.test.needs(
  "x64",
  "userns",
  "command:cc",
)("a system call of x32 is refused, whatever the kernel", async () => {
  const x32: Attack = { name: "x32", layers: ["seccomp"], words: () => ["call_x32"] };
  for (const profile of profiles) assert.is((await runJail(x32, attack.world(), profile)).word, "held");
  const { word } = await runTwin(x32, attack.world());
  assert.is((await runPlan(x32, attack.world(), "base", ["seccomp"])).word, word);
});

attack({
  name: "make a key",
  layers: ["seccomp", "no calls for keys"],
  words: () => ["add_key"],
});

attack({
  name: "make a key by a system call of i386",
  row: "make a system call of another ABI",
  layers: ["seccomp", "no calls for keys"],
  needs: ["x64"],
  words: () => ["key_by_i386"],
});

attack({
  name: "make a map by bpf",
  layers: ["user namespace", "seccomp"],
  needs: ["root"],
  words: () => ["load_bpf"],
});
