// Machines that don't exist, as the doctor sees them. In: files of /proc and elsewhere. Out: the facts about them.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { type Facts, readFacts } from "../../src/explain/facts.ts";
import type { TestContext } from "../support/suite.ts";

export const ordinary: Readonly<Record<string, string>> = {
  "proc/sys/kernel/osrelease": "6.8.0\n",
  "proc/sys/user/max_user_namespaces": "15000\n",
  "proc/self/status":
    "Uid:\t1000\t1000\t1000\t1000\nGid:\t1000\t1000\t1000\t1000\nCapEff:\t0\nNoNewPrivs:\t0\nSeccomp:\t0\n",
  "proc/self/uid_map": "0 0 4294967295\n",
  "proc/self/mountinfo": "1 1 0:1 / / rw - ext4 /dev/x rw\n2 1 0:2 / /proc rw - proc proc rw\n",
};

/** A tree with these files: content by path. */
export function makeTree({ cleanup }: TestContext, files: Readonly<Record<string, string>>): string {
  const root = mkdtempSync(join(tmpdir(), "tsjail-doctor-"));
  cleanup(() => rmSync(root, { recursive: true }));
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(dirname(join(root, name)), { recursive: true });
    writeFileSync(join(root, name), content);
  }
  return root;
}

/** An ordinary user's machine, but for these files. */
export function readMachine(context: TestContext, files: Readonly<Record<string, string>> = {}): Facts {
  return readFacts({ root: makeTree(context, { ...ordinary, ...files }), environment: {} });
}
