// In: [env], the caller's environment, the account inside. Out: the command's environment, sorted by name. `pass` comes
// first, then what every program expects, then `unset`, then `set`.
import type { Operation } from "../plan/operations.ts";
import type { InsideAccount } from "./account.ts";
import { originOf, type Request } from "./request.ts";

/** Without one, every shell has a default of its own; this is Debian's for root, which holds everything. */
const defaultPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/** Of this process alone, not of the command's: sd_listen_fds(3), and our own front mode. */
const ours = new Set(["LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES", "TSJAIL_FRONT"]);

export function compileEnvironment(request: Request, account: InsideAccount): Operation[] {
  const { env } = request.profile;
  const isUnset = matchNames(env.unset);
  const variables = new Map(Object.entries(listDefaults(account)));
  for (const [name, value] of listInherited(request)) variables.set(name, value);
  for (const name of [...variables.keys()]) if (isUnset(name)) variables.delete(name);
  for (const [name, value] of listSockets(request)) variables.set(name, value);
  for (const [name, value] of Object.entries(env.set)) variables.set(name, value);
  const list = [...variables].map(([name, value]) => `${name}=${value}`).sort();
  return [{ op: "environment", origin: originOf(request, "env"), list }];
}

function listDefaults({ name, home, shell }: InsideAccount): Record<string, string> {
  return { HOME: home, LOGNAME: name, PATH: defaultPath, SHELL: shell, USER: name };
}

function listInherited({ profile: { env }, host }: Request): [string, string][] {
  const isPassed = env.clear ? matchNames(env.pass) : () => true;
  return Object.entries(host.environment).filter(([name]) => isPassed(name) && !ours.has(name));
}

/** The executor adds LISTEN_PID: only it knows the command's pid. */
function listSockets({ profile, host }: Request): [string, string][] {
  if (!profile.process.listen_fds || host.listenFds === 0) return [];
  const names = host.environment.LISTEN_FDNAMES;
  const sockets: [string, string][] = [["LISTEN_FDS", String(host.listenFds)]];
  if (names !== undefined) sockets.push(["LISTEN_FDNAMES", names]);
  return sockets;
}

/** Names, and globs in which `*` stands for anything. */
function matchNames(patterns: readonly string[]): (name: string) => boolean {
  const sources = patterns.map((pattern) =>
    pattern
      .split("*")
      .map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"))
      .join(".*"),
  );
  const all = new RegExp(`^(?:${sources.join("|")})$`, "s");
  return patterns.length === 0 ? () => false : (name) => all.test(name);
}
