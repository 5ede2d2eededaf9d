// What `probe view` says of a jail, made comparable. In: its output. Out: the same without what differs from one start
// to the next, and each namespace as "the host's" or "another". Used by start.test.ts.
import { readdirSync, readlinkSync } from "node:fs";

/** Lines of /proc/PID/status that have nothing to do with isolation. */
const changing =
  /^(Pid|Ngid|Tgid|NStgid|NSpid|NSpgid|NSsid|PPid|TracerPid|Vm\w+|Rss\w+|\w*ctxt\w*|Cpus\w*|Mems\w*|SigQ|Threads|HugetlbPages|FDSize|Seccomp\w*|Speculation\w+|x86_\w+|THP_\w+|CoreDumping|untag_mask):.*\n/gm;

const hosts: readonly string[] = readdirSync("/proc/self/ns").map((name) =>
  readlinkSync(`/proc/self/ns/${name}`),
);

export function normalize(view: string): string {
  return (
    view
      .replace(/\r+\n/g, "\n")
      .replace(changing, "")
      // Init's command line, wiped, is as long as the caller's was.
      .replace(/\0+/g, " ")
      // Ids of mounts and device numbers.
      .replace(/^\d+ \d+ \d+:\d+ /gm, "")
      .replace(/^pid \d+ parent \d+ session \d+ group \d+/gm, nameIds)
      .replace(/^(\/proc\/self\/ns\/\w+) -> (.*)$/gm, (_, path: string, link: string) => {
        return `${path} is ${hosts.includes(link) ? "the host's" : "another"}`;
      })
  );
}

/** Pids are the host's where the pid namespace is; what leads what is the same. */
function nameIds(line: string): string {
  const [pid, parent, session, group] = (line.match(/\d+/g) ?? []).map(Number);
  const name = (id: number | undefined) =>
    id === pid ? "itself" : id === parent ? "its parent" : id === 0 ? "outside" : "another";
  return `session of ${name(session)}, group of ${name(group)}`;
}
