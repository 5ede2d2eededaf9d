// What a figure depends on: this machine, and the versions of everything that was measured. In: the peers. Out: strings.
import { readFileSync } from "node:fs";
import { cpus, loadavg, release, totalmem } from "node:os";
import { type Peer, readVersion } from "./peers.ts";

export interface Machine {
  readonly facts: Readonly<Record<string, string>>;
  readonly versions: Readonly<Record<string, string>>;
}

function readSystem(): string {
  try {
    return /^PRETTY_NAME="?([^"\n]*)/m.exec(readFileSync("/etc/os-release", "utf8"))?.[1] ?? "Linux";
  } catch {
    return "Linux";
  }
}

export function describeMachine(
  version: string,
  peers: readonly Peer[],
  env: Readonly<Record<string, string>>,
): Machine {
  const processors = cpus();
  return {
    facts: {
      date: new Date().toISOString().slice(0, 10),
      tsjail: version,
      processor: `${processors[0]?.model.trim() ?? "unknown"}, ${processors.length} cores`,
      memory: `${(totalmem() / 2 ** 30).toFixed(1)} GiB`,
      kernel: release(),
      system: readSystem(),
      "load at the start": loadavg()[0]?.toFixed(2) ?? "unknown",
    },
    versions: Object.fromEntries(peers.map((peer) => [peer.name, readVersion(peer, env) ?? "missing"])),
  };
}
