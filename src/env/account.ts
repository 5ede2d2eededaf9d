// Who works in an environment: the caller, under the same name and ids, with a home and a shell that are there. In: the
// user database of a root, passwd(5) and group(5). Out: the same with the caller in it. create.ts keeps it in the layer.
import type { Account } from "../host/identity.ts";

export interface Database {
  readonly passwd: string;
  readonly group: string;
}

/** Whoever has the name or the number there already gives way: two accounts of one number are one person to programs. */
export function addAccount(base: Database, { name, uid, gid, home, shell }: Account): Database {
  const field = (text: string) => text.replaceAll(/[:\n]/g, "_");
  const own = [field(name), "x", uid, gid, "", field(home), field(shell)].join(":");
  return {
    passwd: replace(base.passwd, name, uid, own),
    group: replace(base.group, name, gid, [field(name), "x", gid, ""].join(":")),
  };
}

function replace(text: string, name: string, id: number, line: string): string {
  const lines = text.split("\n").filter((each) => {
    const [first, , number] = each.split(":");
    return each !== "" && first !== name && number !== String(id);
  });
  return `${[...lines, line].join("\n")}\n`;
}
