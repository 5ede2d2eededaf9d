// What a test may need from the machine. In: a capability; out: why it is missing, or undefined.
// Facts of the run (who, which processor) make a test inapplicable; everything else makes a skip.
import { spawnSync } from "node:child_process";
import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";
import { readLandlock } from "../../src/facts/landlock.ts";

export type Fact = "root" | "user" | "x64" | "arm64";
/** A function gives the reason why something is missing, or undefined when it is there. */
export type Probe = () => string | undefined | Promise<string | undefined>;
export type Capability =
  | Fact
  | "userns"
  | "fuse"
  | "landlock"
  | `landlock:${number}`
  | `command:${string}`
  | Probe;

const facts: Record<Fact, () => boolean> = {
  root: () => process.getuid?.() === 0,
  user: () => process.getuid?.() !== 0,
  x64: () => process.arch === "x64",
  arm64: () => process.arch === "arm64",
};

const answers = new Map<Capability, Promise<string | undefined>>();

/** True when this run is of the wrong kind: as root, or on another processor. */
export function isInapplicable(capability: Capability): boolean {
  if (typeof capability !== "string" || !(capability in facts)) return false;
  return !facts[capability as Fact]();
}

/** Why the machine can't do it; asked once per process. */
export function whyMissing(capability: Capability): Promise<string | undefined> {
  let answer = answers.get(capability);
  if (answer === undefined) {
    answer = (async () => probe(capability))();
    answers.set(capability, answer);
  }
  return answer;
}

function probe(capability: Capability): string | undefined | Promise<string | undefined> {
  if (typeof capability === "function") return capability();
  if (capability === "userns") return probeUserNamespace();
  if (capability === "fuse") return probeFuse();
  if (capability.startsWith("landlock")) return probeLandlock(Number(capability.split(":")[1] ?? 2));
  if (capability.startsWith("command:")) {
    const name = capability.slice("command:".length);
    return findCommand(name) === undefined ? `the command ${name} is not installed` : undefined;
  }
  return undefined;
}

/** The first executable of that name on PATH. */
export function findCommand(name: string): string | undefined {
  for (const directory of (process.env.PATH ?? "").split(delimiter)) {
    const path = join(directory === "" ? "." : directory, name);
    try {
      accessSync(path, constants.X_OK);
      return path;
    } catch {}
  }
  return undefined;
}

function probeUserNamespace(): string | undefined {
  // On Ubuntu 23.10+ the unshare succeeds and the capabilities are gone: only a mount tells.
  const script = "mount -t tmpfs none /tmp";
  const result = spawnSync("unshare", ["-Urm", "sh", "-c", script], { encoding: "utf8" });
  if (result.status === 0) return undefined;
  const why = (result.error?.message ?? result.stderr).trim();
  return `no unprivileged user namespaces here (${why})`;
}

function probeLandlock(least: number): string | undefined {
  const abi = readLandlock();
  return abi >= least ? undefined : `the kernel has ABI ${abi} of Landlock; ${least} is needed`;
}

function probeFuse(): string | undefined {
  try {
    accessSync("/dev/fuse", constants.R_OK | constants.W_OK);
    return undefined;
  } catch {
    return "/dev/fuse can't be opened for writing";
  }
}
