// In: the places of the files that tsjail generates, and what lies there. Out: the same intents with their content;
// those that are not needed are gone. A place may be far from /etc: where the root's /etc/resolv.conf is a link into
// /run, it is the link's end. place.ts knows which of them can be used.
import { decodeText } from "../host/host.ts";
import { findAccount, findGroup, hasName } from "../host/identity.ts";
import type { InsideAccount } from "./account.ts";
import type { Ids } from "./ids.ts";
import type { GeneratedContent, Intent } from "./intent.ts";
import { describeStanding, type Resolved } from "./intents.ts";
import { comparePaths } from "./path.ts";
import { hasPlace, isFree, listOwnEtc, refuseWish } from "./place.ts";
import type { Request } from "./request.ts";
import { findHostPathBeneath, findParentCover, followHostLinks } from "./view.ts";

interface Place {
  readonly request: Request;
  readonly resolved: Resolved;
  readonly ids: Ids;
  readonly account: InsideAccount;
  /** What shows there without us: a part of the root, of some other directory, or a file system of the jail's own. */
  readonly beneath: "root" | "bind" | "own";
  /** The host's path of it. */
  readonly hostPath: string | undefined;
}

type Writer = (place: Place) => string | undefined;

const writers: Readonly<Record<string, Writer>> = {
  "/etc/hosts": writeHosts,
  "/etc/hostname": ({ request: { profile } }) =>
    profile.namespaces.uts === "private" ? `${profile.hostname}\n` : undefined,
  "/etc/resolv.conf": writeResolver,
  "/etc/passwd": writePasswd,
  "/etc/group": writeGroup,
};

/** Fills in what is generated. */
export function fillGenerated(
  request: Request,
  resolved: Resolved,
  ids: Ids,
  account: InsideAccount,
): Resolved {
  const etc = listOwnEtc(request, resolved);
  let isOwn = false;
  const filled = resolved.intents.flatMap((intent): Intent[] => {
    const { content } = intent;
    if (content.kind !== "generated") return [intent];
    const generated = { ...intent, content };
    const text = writeFile(request, resolved, ids, account, generated);
    if (text === undefined) return [];
    const file: Intent = {
      ...intent,
      content: { kind: "file", from: { text }, mode: 0o444, optional: true },
    };
    if (hasPlace(request, resolved, intent.path)) return [file];
    if (etc === undefined || !isFree(resolved, generated)) {
      refuseWish(request, resolved, generated);
      return [];
    }
    isOwn = true;
    return [{ ...file, path: intent.written }];
  });
  const described = describeStanding(
    request,
    filled.sort((a, b) => comparePaths(a.path, b.path)),
  );
  return isOwn && etc !== undefined ? { ...described, etc } : described;
}

function writeFile(
  request: Request,
  resolved: Resolved,
  ids: Ids,
  account: InsideAccount,
  intent: Intent<GeneratedContent>,
): string | undefined {
  const { view } = resolved;
  const cover = findParentCover(view, intent.path);
  const isRoot = cover === undefined && view.root !== undefined;
  const beneath = isRoot ? "root" : cover?.content.kind === "bind" ? "bind" : "own";
  const hostPath = findHostPathBeneath(view, intent.path);
  return writers[intent.content.name]?.({ request, resolved, ids, account, beneath, hostPath });
}

/** The jail's names come first: the first answer is the one that counts (hosts(5)). */
function writeHosts(place: Place): string | undefined {
  const { profile, host } = place.request;
  const { hostname, domainname } = profile;
  const lines = Object.entries(profile.network.hosts)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .flatMap(([name, addresses]) => addresses.map((address) => `${address}\t${name}\n`));
  if (profile.namespaces.uts === "private") {
    const full = domainname === undefined ? "" : `${hostname}.${domainname} `;
    lines.push(`127.0.1.1\t${full}${hostname}\n`);
  }
  const theirs = profile.network.mode === "host" ? decodeText(host.files["/etc/hosts"]) : undefined;
  if (lines.length === 0 && theirs !== undefined && showsHost(place, "/etc/hosts")) return undefined;
  return lines.join("") + (theirs ?? "127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\n");
}

function writeResolver(place: Place): string | undefined {
  const { profile, host } = place.request;
  const { mode, dns, search } = profile.network;
  const searches = search.length > 0 ? `search ${search.join(" ")}\n` : "";
  if (dns.length > 0) return dns.map((server) => `nameserver ${server}\n`).join("") + searches;
  if (mode === "none") return `# No network, so there is no name server to ask.\n${searches}`;
  const theirs = decodeText(host.files["/etc/resolv.conf"]);
  if (theirs === undefined) return searches === "" ? undefined : searches;
  if (searches === "") return showsHost(place, "/etc/resolv.conf") ? undefined : theirs;
  // Of several such lines the last one counts (resolv.conf(5)).
  return `${theirs.replace(/^(search|domain)\b.*\n?/gm, "").replace(/[^\n]$/, "$&\n")}${searches}`;
}

function writePasswd({ request, ids, account, beneath }: Place): string | undefined {
  const base = readBase(request, "/etc/passwd", beneath);
  if (base === undefined || findAccount(base, ids.uid) !== undefined) return undefined;
  const clean = (path: string, other: string) => (/[:\n]/.test(path) ? other : path);
  const { name, home, shell } = account;
  const own = `${name}:x:${ids.uid}:${ids.gid}::${clean(home, "/")}:${clean(shell, "/bin/sh")}\n`;
  const nobody = `nobody:x:${overflowId}:${overflowId}::/:/sbin/nologin\n`;
  return base + own + (beneath === "own" && ids.uid !== overflowId ? nobody : "");
}

function writeGroup({ request, ids, account, beneath }: Place): string | undefined {
  const base = readBase(request, "/etc/group", beneath);
  if (base === undefined || findGroup(base, ids.gid) !== undefined) return undefined;
  const name = hasName(base, account.name) ? `group${ids.gid}` : account.name;
  const own = `${name}:x:${ids.gid}:\n`;
  return base + own + (beneath === "own" && ids.gid !== overflowId ? `nogroup:x:${overflowId}:\n` : "");
}

/** Whoever isn't mapped shows up as this one (user_namespaces(7), /proc/sys/kernel/overflowuid). */
const overflowId = 65534;

/** The root's text to which a line is added; undefined where it is not ours to replace. */
function readBase({ host }: Request, name: string, beneath: Place["beneath"]): string | undefined {
  if (beneath === "own") return "";
  const fact = host.rootFiles[name];
  if (beneath === "bind" || fact === undefined || fact.kind === "unreadable") return undefined;
  const text = decodeText(fact) ?? "";
  return text === "" || text.endsWith("\n") ? text : `${text}\n`;
}

function showsHost({ resolved, hostPath }: Place, path: string): boolean {
  return hostPath !== undefined && hostPath === followHostLinks(resolved.view, path);
}
