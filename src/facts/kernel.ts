// What the kernel says of this process and of itself. In: /proc, the executor's note. Out: numbers. The executor compares
// the one with capget(2), as part of `fact_caller`; the other changes with the kernel alone, which `fact_machine` names.
import { readFileSync } from "node:fs";
import { readNote } from "./note.ts";

/** The effective capabilities of this process: none where that can't be found out. */
export function readCapabilities(): bigint {
  const note = readNote(process.env.TSJAIL_FRONT, "capabilities");
  return note === undefined ? parseCapabilities(readText("/proc/self/status")) : BigInt(`0x${note}`);
}

/** CapEff of /proc/PID/status (proc_pid_status(5)). */
export function parseCapabilities(status: string): bigint {
  return BigInt(`0x${/^CapEff:\s*([0-9a-f]+)$/m.exec(status)?.[1] ?? "0"}`);
}

/** /proc/sys/kernel/cap_last_cap; 40, CAP_CHECKPOINT_RESTORE, the last one since Linux 5.9, where that can't be read. */
export function readLastCapability(text = readText("/proc/sys/kernel/cap_last_cap")): number {
  const value = Number.parseInt(text, 10);
  return Number.isNaN(value) ? 40 : value;
}

/** "6.1.0-28-amd64", as uname(2) says it. Not from node:os, which it takes Node a millisecond to load. */
export function readRelease(): string {
  return readText("/proc/sys/kernel/osrelease").trim();
}

const machines: Readonly<Record<string, string>> = { x64: "x86_64", arm64: "aarch64" };

/** As uname(2) says it of a process of this processor; of one that has called itself another (personality(2)) it says
 * something else, and no plan that is kept fits there. */
export function readMachine(): { release: string; version: string; machine: string } {
  const version = readText("/proc/sys/kernel/version").trim();
  return { release: readRelease(), version, machine: machines[process.arch] ?? process.arch };
}

function readText(path: string): string {
  try {
    // Node reads this encoding in one step.
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}
