// In: [env], the account inside, the image. Out: what the command's environment is made of, by name. What is passed on of the
// caller's is only named: its values are nothing that a plan depends on, and secrets among them are nobody's to keep.
import { matchNames } from "../plan/names.ts";
import type { Operation } from "../plan/operations.ts";
import type { InsideAccount } from "./account.ts";
import { originOf, type Request } from "./request.ts";

/** Without one, every shell has a default of its own; this is Debian's for root, which holds everything. */
const defaultPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

export function compileEnvironment(request: Request, account: InsideAccount): Operation[] {
  const { env } = request.profile;
  const isUnset = matchNames(env.unset);
  const set = new Map([...listSockets(request), ...Object.entries(env.set)]);
  const defaults = Object.entries(listDefaults(request, account)).filter(
    ([name]) => !isUnset(name) && !set.has(name),
  );
  return [
    {
      op: "environment",
      origin: originOf(request, "env"),
      list: joinVariables([...set]),
      pass: env.clear ? [...env.pass].sort() : ["*"],
      unset: [...env.unset].sort(),
      defaults: joinVariables(defaults),
    },
  ];
}

function splitVariable(variable: string): [string, string] {
  const equals = variable.indexOf("=");
  return [variable.slice(0, equals), variable.slice(equals + 1)];
}

const joinVariables = (variables: readonly (readonly [string, string])[]): string[] =>
  variables.map(([name, value]) => `${name}=${value}`).sort();

/** What an image says of itself comes after the profile, and after what the caller's environment is asked for. */
function listDefaults({ host }: Request, { name, home, shell }: InsideAccount): Record<string, string> {
  const own = (host.image?.env ?? []).map((variable) => splitVariable(variable));
  return {
    HOME: home,
    LOGNAME: name,
    PATH: defaultPath,
    SHELL: shell,
    USER: name,
    ...Object.fromEntries(own),
  };
}

/** The executor adds LISTEN_PID: only it knows the command's pid. */
function listSockets({ profile, host }: Request): [string, string][] {
  if (!profile.process.listen_fds || host.listenFds === 0) return [];
  const names = host.listenFdNames;
  const sockets: [string, string][] = [["LISTEN_FDS", String(host.listenFds)]];
  if (names !== undefined) sockets.push(["LISTEN_FDNAMES", names]);
  return sockets;
}
