// Directories that a hostile jail is given as its root. In: a directory for them. Out: a root with mount points in it, what
// lies outside of it and must stay as it is, and a profile. Next: setup.test.ts, races.test.ts.
import { mkdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { hostPrograms, mount } from "../support/jail.ts";
import type { TestContext } from "../support/suite.ts";

export interface Root {
  /** What becomes the jail's root. */
  readonly root: string;
  /** What is not its business, with files in it. */
  readonly outside: string;
  readonly toml: string;
}

const mountPoints = [
  "usr",
  "bin",
  "sbin",
  "lib",
  "lib32",
  "lib64",
  "etc",
  "proc",
  "sys",
  "dev",
  "tmp",
  "var/lib/tool",
];
/** What a set-up by path would remove, overwrite or use. */
const files = ["file", "null", "console", "ptmx", "hostname"];

let count = 0;
export function makeRoot(
  world: string,
  { cleanup }: TestContext,
  writable: "yes" | "no" | "ephemeral",
  more = "",
): Root {
  const directory = join(world, `set-up-${count++}`);
  cleanup(() => rmSync(directory, { recursive: true, force: true }));
  const [root, outside] = [join(directory, "root"), join(directory, "outside")];
  for (const name of mountPoints) mkdirSync(join(root, name), { recursive: true });
  for (const name of ["pts", "lib/tool"]) mkdirSync(join(outside, name), { recursive: true });
  for (const name of files) writeFileSync(join(outside, name), "as it was\n");
  const mounts =
    mount("tmpfs", { target: "/tmp" }) + mount("tmpfs", { target: "/var/lib/tool" }) + mount("sys", {});
  const toml = `${hostPrograms}${mounts}${more}[root]\ntype = "directory"\npath = "${root}"\nwritable = "${writable}"\n`;
  return { root, outside, toml };
}

/** Puts a link in the place of a file or directory of the root's. */
export function replace(root: string, name: string, target: string): void {
  rmSync(join(root, name), { recursive: true, force: true });
  mkdirSync(dirname(join(root, name)), { recursive: true });
  symlinkSync(target, join(root, name));
}

/** Tries to leave something in every place where the set-up has been. */
export const leaveMarks =
  "for d in /dev /proc /sys /etc /tmp /var/lib/tool; do echo x >$d/made; done 2>/dev/null; :";
