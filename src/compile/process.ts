// In: [process], the caller's descriptors, the command. Out: how the monitor and init look after the
// command, and what the command itself starts with.
import { TsjailError } from "../error.ts";
import { maxPassedFds, type Operation, type superviseFlags } from "../plan/operations.ts";
import { findTerminals } from "./dev.ts";
import type { Resolved } from "./intents.ts";
import { originOf, type Request } from "./request.ts";

/** The monitor's part: everything of the host phase but the mount points and the clone. */
export function compileSupervision(request: Request, resolved: Resolved): Operation[] {
  const { run, profile, host } = request;
  checkTerminal(request, resolved);
  const { tty, timeout, kill_after, ...switches } = profile.process;
  const names = ["init", "die_with_parent", "listen_fds"] as const satisfies (keyof typeof superviseFlags)[];
  const operations: Operation[] = [];
  if (run.explain.length > 0) operations.push({ op: "explain", origin: "built in", argv: run.explain });
  operations.push({
    op: "supervise",
    origin: originOf(request, "process"),
    flags: names.filter((name) => switches[name] && (name !== "listen_fds" || host.listenFds > 0)),
    tty,
    // A part of a millisecond is more than none, and 0 is none.
    timeout: Math.ceil(timeout ?? 0),
    kill_after: Math.ceil(kill_after),
    status_fd: run.statusFd ?? -1,
  });
  return [...operations, ...passDescriptors(request)];
}

/** Those of `--fd`, and with listen_fds the sockets of LISTEN_FDS, which begin at 3 (sd_listen_fds(3)). */
function passDescriptors(request: Request): Operation[] {
  const { run, profile, host } = request;
  const sockets = profile.process.listen_fds ? host.listenFds : 0;
  const listening = Array.from({ length: Math.min(sockets, maxPassedFds + 1) }, (_, index) => 3 + index);
  const fds = [...new Set([...run.passFds, ...listening])].sort((a, b) => a - b);
  if (fds.length > maxPassedFds) {
    throw new TsjailError(
      "usage",
      `At most ${maxPassedFds} descriptors can be passed on, not ${fds.length}.`,
    );
  }
  return fds.map((fd) => ({
    op: "pass_fd",
    origin: run.passFds.includes(fd) ? "command line" : originOf(request, "process.listen_fds"),
    fd,
  }));
}

/** A terminal of the jail's own needs a devpts. Under "auto" the executor refuses to start when the caller has a
 * terminal and the plan makes none: the caller's must never be what a command gets instead. */
function checkTerminal({ profile, loaded }: Request, { intents }: Resolved): void {
  if (profile.process.tty !== "always" || findTerminals(intents) !== undefined) return;
  throw new TsjailError("profile_conflict", "The jail has no /dev, so it can't have a terminal of its own.", {
    origin: loaded.origin("process.tty"),
    hint: 'Add [[mount]] with type = "dev", or extend "base", which has it.\nFor a command that needs no terminal, set process.tty = "never".',
  });
}

/** /proc/self/oom_score_adj, which the command inherits. */
export function compileOomScore(request: Request): Operation[] {
  const value = request.profile.process.oom_score_adj;
  return value === undefined
    ? []
    : [{ op: "oom_score_adj", origin: originOf(request, "process.oom_score_adj"), value }];
}

/** Attributes of the command's process. */
export function compileProcess(request: Request): Operation[] {
  const { umask, nice } = request.profile.process;
  const operations: Operation[] = [];
  if (umask !== undefined) {
    operations.push({ op: "umask", origin: originOf(request, "process.umask"), mask: umask & 0o777 });
  }
  if (nice !== undefined) {
    operations.push({ op: "nice", origin: originOf(request, "process.nice"), value: nice });
  }
  return operations;
}

/** What is executed. */
export function compileCommand(request: Request): Operation[] {
  const { command } = request.run;
  if (command !== undefined) return [{ op: "command", origin: "command line", argv: command }];
  const { image } = request.host;
  if (request.profile.command.length === 0 && image !== undefined)
    return [{ op: "command", origin: originOf(request, "root.image"), argv: image.command }];
  return [{ op: "command", origin: originOf(request, "command"), argv: request.profile.command }];
}
