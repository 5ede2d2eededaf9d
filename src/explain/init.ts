// Why the jail's init ended before it could say why: by the signal that killed it, which the executor reports in
// place of an errno; 0 where none did. In: failures with the reason `init_died`. Out: rules; next is executor.ts.
import { constants } from "node:os";
import type { Report } from "../plan/report.ts";
import { adviseUnfiltered, describeAround } from "./container.ts";
import { adviseCommands, type Failure, type Rule } from "./rule.ts";

const { SIGKILL, SIGSYS, SIGILL, SIGBUS, SIGFPE, SIGSEGV } = constants.signals;

/** "SIGKILL (9)" for what killed init; undefined where the report is of something else. */
export function formatSignal({ reason, errno }: Report): string | undefined {
  if (reason !== "init_died" || errno === 0) return undefined;
  const [name] = Object.entries(constants.signals).find(([, number]) => number === errno) ?? ["signal"];
  return `${name} (${errno})`;
}

const isBy =
  (...signals: readonly number[]) =>
  ({ report }: Failure): boolean =>
    signals.includes(report.errno);

export const initRules: readonly Rule[] = [
  {
    name: "init_filtered",
    reasons: ["init_died"],
    when: isBy(SIGSYS),
    why: ({ facts }) =>
      `A seccomp filter around tsjail${describeAround(facts.container)} kills whoever makes a system call that it ` +
      "doesn't allow.",
    fix: ({ facts }) =>
      [
        adviseCommands("See in the kernel's log which one it was:", "sudo dmesg | grep type=1326 | tail"),
        adviseUnfiltered(facts.container),
      ].join("\n"),
  },
  {
    name: "init_killed",
    reasons: ["init_died"],
    when: isBy(SIGKILL),
    why: "It was killed from outside: by the kernel, when memory ran out, or by somebody who may.",
    fix: adviseCommands(
      "See what the kernel has noted, and what the cgroup around tsjail may use:",
      "sudo dmesg | grep -iE 'oom|killed' | tail",
      "cat /sys/fs/cgroup$(cut -d: -f3 /proc/self/cgroup)/memory.max",
    ),
  },
  {
    name: "init_crashed",
    reasons: ["init_died"],
    when: isBy(SIGILL, SIGBUS, SIGFPE, SIGSEGV),
    code: "internal",
    why: "The executor crashed, which is a bug in it.",
    fix: "Please report this with the output of `tsjail plan` and `tsjail doctor`.",
  },
  {
    name: "init_died",
    reasons: ["init_died"],
    why: ({ report }) => {
      const signal = formatSignal(report);
      const how = signal === undefined ? "on its own" : `by ${signal} from outside`;
      return `The jail's init ended ${how}, before the command was started, and without saying why.`;
    },
    fix: adviseCommands("See what the kernel has noted:", "sudo dmesg | tail"),
  },
];
