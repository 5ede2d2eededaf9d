// In: the ids inside, the root's user database, the caller. Out: name, home and shell of the command's user. etc.ts
// writes them into passwd(5), environment.ts into HOME, USER and their like.
import { decodeText } from "../host/host.ts";
import { findAccount, hasName } from "../host/identity.ts";
import type { Ids } from "./ids.ts";
import type { Resolved } from "./intents.ts";
import { isBelow } from "./path.ts";
import type { Request } from "./request.ts";
import { findCover } from "./view.ts";

export interface InsideAccount {
  readonly name: string;
  readonly home: string;
  readonly shell: string;
}

/** Who the command is, by the root's passwd(5) where it knows. */
export function findInsideAccount(request: Request, resolved: Resolved, ids: Ids): InsideAccount {
  const { host, profile } = request;
  const passwd = decodeText(host.rootFiles["/etc/passwd"]);
  const listed = findAccount(passwd, ids.uid);
  const name = listed?.name ?? inventName(request, ids.uid, passwd);
  // What the profile sets for HOME is where everything else of it should look, too.
  const { HOME: set } = profile.env.set;
  const said = set?.startsWith("/") ? set : undefined;
  if (profile.root.type === "host") return { name, home: said ?? host.home, shell: host.shell };
  const found = hasHome(request, resolved) ? host.home : (listed?.home ?? "/");
  return { name, home: said ?? found, shell: listed?.shell ?? "/bin/sh" };
}

/** Whether the profile itself puts something at or around the caller's home. */
function hasHome({ host: { home } }: Request, { view }: Resolved): boolean {
  const cover = findCover(view, home);
  if (cover?.content.kind === "bind" || cover?.path === home) return true;
  return [...view.places.keys()].some((path) => isBelow(path, home));
}

function inventName({ host }: Request, uid: number, passwd: string | undefined): string {
  const isUsable = !/[:\n]/.test(host.user) && !hasName(passwd, host.user);
  if (uid === 0 && !hasName(passwd, "root")) return "root";
  return uid === host.uid && isUsable ? host.user : `user${uid}`;
}
