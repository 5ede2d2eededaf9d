// What was looked at, as operations of the phase `fact`, which the executor compares before it uses a plan again.
// In: looks (look.ts), the caller, the command line. Out: facts, or why there can be none. Next: src/cache.
import { dirname } from "node:path";
import type { Operation } from "../plan/operations.ts";
import { whyUndependable } from "./filesystem.ts";
import { readCapabilities, readMachine } from "./kernel.ts";
import type { FileLook, Look } from "./look.ts";

type Fact = Extract<Operation, { op: `fact_${string}` }>;

/** A command line of ours: the package as bin/tsjail wrote it, our options, and which words are commands of ours. */
export interface Invocation {
  readonly packageWord: string;
  readonly options: readonly string[];
  readonly commands: readonly string[];
}

const isKind = (look: Look): look is Extract<Look, { type: "kind" }> => look.type === "kind" && !look.follow;

/** Everything that a plan depends on, for one that is kept on this machine.
 * @param looks in the order in which they were made */
export function listFacts(looks: readonly Look[], invocation: Invocation, cwd: string): Fact[] {
  const listed = new Map(
    looks.flatMap((look, index) => (look.type === "file" && look.listed ? [[look.path, index]] : [])),
  );
  const absent = new Set(looks.flatMap((look) => (isKind(look) && look.kind === "absent" ? look.path : [])));
  // A directory's times tell of every entry that has come, gone or been replaced since they were looked at; and in
  // none that isn't is anything.
  const isCovered = (look: Look, index: number) =>
    (look.type === "link" || isKind(look)) &&
    ((listed.get(dirname(look.path)) ?? index) < index ||
      (isKind(look) && look.kind === "absent" && absent.has(dirname(look.path))));
  return [
    {
      op: "fact_invocation",
      origin: "command line",
      package: invocation.packageWord,
      options: invocation.options,
      commands: invocation.commands,
    },
    describeCaller(),
    { op: "fact_machine", origin, ...readMachine() },
    { op: "fact_directory", origin, path: cwd },
    ...looks.filter((look, index) => !isCovered(look, index)).flatMap(toFact),
  ];
}

/** What has to be the same where a plan is shipped to: the caller and what lies where, not which file it is. */
export function listShippedFacts(looks: readonly Look[], cwd: string): Fact[] {
  const usesDirectory = looks.some(({ type }) => type === "directory");
  return [
    describeCaller(),
    { op: "fact_machine", origin, ...readMachine(), release: "", version: "" },
    ...(usesDirectory ? [{ op: "fact_directory", origin, path: cwd } as const] : []),
    ...looks.filter(({ type }) => type !== "file").flatMap(toFact),
  ];
}

const origin = "looked at";

function toFact(look: Look): Fact[] {
  switch (look.type) {
    case "file": {
      const { dev: device, ino: inode, size, mtimeNs, ctimeNs } = look.stats;
      const [modified, changed] = [BigInt.asUintN(64, mtimeNs), BigInt.asUintN(64, ctimeNs)];
      return [{ op: "fact_file", origin, path: look.path, device, inode, size, modified, changed }];
    }
    case "kind":
      return [
        { op: "fact_kind", origin, path: look.path, kind: look.kind, flags: look.follow ? ["follow"] : [] },
      ];
    case "link":
      return [{ op: "fact_link", origin, path: look.path, text: look.text }];
    case "landlock":
      return [{ op: "fact_landlock", origin, abi: look.abi }];
    case "mounts":
      return [{ op: "fact_mounts", origin, text: Buffer.from(look.text, "latin1") }];
    case "variable":
      return [
        {
          op: "fact_variable",
          origin,
          name: look.name,
          state: look.value === undefined ? "unset" : "set",
          value: look.value ?? "",
        },
      ];
    default:
      return [];
  }
}

function describeCaller(): Fact {
  return {
    op: "fact_caller",
    origin,
    uid: process.getuid?.() ?? 0,
    gid: process.getgid?.() ?? 0,
    capabilities: readCapabilities(),
  };
}

/** Ticks of the clock of file times are up to 10 ms apart (CONFIG_HZ_100), of file systems with whole seconds 1 s. */
const tickNs = 50_000_000n;
const coarseTickNs = 2_100_000_000n;

/** Why a plan made of these looks must not be used a second time; undefined where it may. */
export function findObstacle(looks: readonly Look[]): string | undefined {
  for (const look of looks) {
    if (look.type === "unrepeatable") return look.why;
    // A path that no plan can hold; those that lead nowhere are asked for in messages alone.
    if ("path" in look && (!look.path.startsWith("/") || look.path.includes("\0")))
      return "a path is relative";
    if (look.type !== "file") continue;
    const why = whyUncertain(look);
    if (why !== undefined) return `${look.path} ${why}`;
  }
  return undefined;
}

/** What happens to a file after it was looked at has to change its times. */
function whyUncertain({ path, stats, time }: FileLook): string | undefined {
  const { mtimeNs, ctimeNs } = stats;
  const safe = time - (ctimeNs % 1_000_000_000n === 0n ? coarseTickNs : tickNs);
  // It could have changed again within the same tick, and its times would be the same.
  if (mtimeNs > safe || ctimeNs > safe) return "had only just been written";
  return whyUndependable(path);
}
