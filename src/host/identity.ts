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

/** What is no id is none: a jail may have written these files. All ones are no user's (setuid(2)). */
function readId(text: string | undefined): number | undefined {
  const id = Number(text);
  return /^\d+$/.test(text ?? "") && id < 4294967295 ? id : undefined;
}

/** The first account of that number, as getpwuid(3) finds it. */
export function findAccount(passwd: string | undefined, uid: number): Account | undefined {
  for (const line of (passwd ?? "").split("\n")) {
    const [name, , id, gid, , home, shell] = line.split(":");
    const group = readId(gid);
    // No variable can have a NUL.
    if (!name || readId(id) !== uid || group === undefined || line.includes("\0")) continue;
    return { name, uid, gid: group, home: home || "/", shell: shell || "/bin/sh" };
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
    const [first, , number] = line.split(":");
    const id = readId(number);
    if (first === name && id !== undefined) return id;
  }
  return undefined;
}

/** The name of the first group of that number. */
export function findGroup(group: string | undefined, gid: number): string | undefined {
  for (const line of (group ?? "").split("\n")) {
    const [name, , id] = line.split(":");
    if (name && readId(id) === gid) return name;
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
