// Whether the times of a file can be relied on. In: a path that was looked at. Out: why not; undefined where a change of
// the file's content or attributes changes its times. Used by facts.ts.
import { statfsSync } from "node:fs";

/** f_type of statfs(2), <linux/magic.h>: file systems where content changes and no time does; that have no change time
 * but show what utimensat(2) sets; whose times are what a program in user space says; or come late, and by the clock of
 * another machine. */
const undependable: ReadonlyMap<number, string> = new Map([
  [0x9fa0, "procfs"],
  [0x62656572, "sysfs"],
  [0x64626720, "debugfs"],
  [0x74726163, "tracefs"],
  [0x73636673, "securityfs"],
  [0x62656570, "configfs"],
  [0x27e0eb, "cgroupfs"],
  [0x63677270, "cgroupfs"],
  [0xcafe4a11, "bpffs"],
  [0x1cd1, "devpts"],
  [0x4d44, "FAT"],
  [0x2011bab0, "exFAT"],
  [0x65735546, "FUSE"],
  [0x6969, "NFS"],
  [0x517b, "SMB"],
  [0xfe534d42, "SMB"],
  [0xff534d42, "CIFS"],
  [0x01021997, "9P"],
  [0x5346414f, "AFS"],
  [0x6b414653, "AFS"],
  [0x73757245, "Coda"],
  [0x00c36400, "Ceph"],
  [0x0bd00bd0, "Lustre"],
  [0x01161970, "GFS2"],
  [0x7461636f, "OCFS2"],
]);

export function whyUndependable(path: string): string | undefined {
  try {
    const name = undependable.get(statfsSync(path).type >>> 0);
    return name === undefined ? undefined : `is on ${name}, whose times don't tell of every change`;
  } catch {
    return "can't be looked at any more";
  }
}
