// In: passwd(5) and group(5) texts. Out: who somebody is. read.ts asks about the caller, compile/etc.ts about the
// ids inside the jail.
import { userInfo } from "node:os";
import { noteUnrepeatable } from "../facts/look.ts";

export interface Account {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
  readonly home: string;
  readonly shell: string;
}

/** The first account of that number, as getpwuid(3) finds it. */
export function findAccount(passwd: string | undefined, uid: number): Account | undefined {
  for (const line of (passwd ?? "").split("\n")) {
    const [name, , id, gid, , home, shell] = line.split(":");
    if (!name || !id || Number(id) !== uid) continue;
    return { name, uid, gid: Number(gid), home: home || "/", shell: shell || "/bin/sh" };
  }
  return undefined;
}

/** Whether a group(5) or passwd(5) text has an entry of that name. */
export function hasName(text: string | undefined, name: string): boolean {
  return (text ?? "").split("\n").some((line) => line.startsWith(`${name}:`));
}

/** The number of the entry of that name. */
export function findByName(text: string | undefined, name: string): number | undefined {
  for (const line of (text ?? "").split("\n")) {
    const [first, , id] = line.split(":");
    if (first === name && id && /^\d+$/.test(id)) return Number(id);
  }
  return undefined;
}

/** The name of the first group of that number. */
export function findGroup(group: string | undefined, gid: number): string | undefined {
  for (const line of (group ?? "").split("\n")) {
    const [name, , id] = line.split(":");
    if (name && id && Number(id) === gid) return name;
  }
  return undefined;
}

/** The caller's account: from the file, else from the name service (LDAP and its like), else from the environment. */
export function readIdentity(
  passwd: string | undefined,
  uid: number,
  environment: Readonly<Record<string, string | undefined>>,
): Account {
  const local = findAccount(passwd, uid);
  if (local !== undefined) return local;
  noteUnrepeatable("the caller is not in /etc/passwd, and the name service was asked");
  try {
    const { username, gid, homedir, shell } = userInfo();
    return { name: username, uid, gid, home: homedir, shell: shell || "/bin/sh" };
  } catch {
    // A uid without an account, as in many containers: getpwuid(3) finds nothing.
    const { USER, HOME, SHELL } = environment;
    return { name: USER || `user${uid}`, uid, gid: uid, home: HOME || "/", shell: SHELL || "/bin/sh" };
  }
}
