// What of a layer's files the user's own files can't say: other owners, devices, setuid, attributes of root's. In: what
// an archive told. Out: owners.json beside the layer's fs, by path; export, commit and the root emulation read it.
import { closeSync, fsyncSync, openSync, readFileSync, writeSync } from "node:fs";

/** Of one path, relative to the layer. What is missing is as on the disk, and uid and gid are 0. */
export interface Owner {
  readonly uid?: number;
  readonly gid?: number;
  /** Twelve bits, where the file's own lack setuid or setgid, or it has not been made. */
  readonly mode?: number;
  /** It has not been made: making it takes root. */
  readonly device?: { readonly kind: "character" | "block"; readonly major: number; readonly minor: number };
  /** Extended attributes that could not be set: base64. */
  readonly attributes?: Readonly<Record<string, string>>;
}

/** By path as toText() writes it (bytes.ts). */
export type Owners = ReadonlyMap<string, Owner>;

/** One line for each path, sorted. */
export function writeOwners(path: string, owners: Owners): void {
  const fd = openSync(path, "wx", 0o600);
  try {
    let text = "{";
    let separator = "\n";
    for (const [name, owner] of [...owners].sort(([a], [b]) => (a < b ? -1 : 1))) {
      text += `${separator}${JSON.stringify(name)}:${JSON.stringify(owner)}`;
      separator = ",\n";
      if (text.length > 1 << 20) {
        writeSync(fd, text);
        text = "";
      }
    }
    writeSync(fd, `${text}\n}\n`);
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

export function readOwners(path: string): Owners {
  try {
    return new Map(Object.entries(JSON.parse(readFileSync(path, "utf8")) as Record<string, Owner>));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return new Map();
    throw error;
  }
}
