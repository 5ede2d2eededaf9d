// In: [namespaces], [network] and the hostname. Out: the clone, and what sets the new namespaces up from within.
import { formatOrigin, TsjailError } from "../error.ts";
import type { namespaceFlags, Operation } from "../plan/operations.ts";
import { isSaid, originOf, type Request } from "./request.ts";

type Namespace = keyof typeof namespaceFlags;

/** Which namespaces the command has for itself; the user namespace is always one of them. */
export function listNamespaces(request: Request): Namespace[] {
  const { namespaces, network } = request.profile;
  const names: Namespace[] = ["mount"];
  for (const name of ["pid", "uts", "ipc", "cgroup", "time"] as const) {
    if (namespaces[name] === "private") names.push(name);
  }
  if (network.mode !== "host") names.push("net");
  return names;
}

function hasOffsets(request: Request): boolean {
  const { monotonic, boottime } = request.profile.namespaces.time_offsets;
  return monotonic !== 0 || boottime !== 0;
}

/** The `clone` operation. */
export function compileClone(request: Request): Operation[] {
  checkNamespaces(request);
  // With offsets, time_offsets makes the namespace: none can be set once a process is in it (time_namespaces(7)).
  const namespaces = listNamespaces(request).filter((name) => name !== "time" || !hasOffsets(request));
  return [{ op: "clone", origin: originOf(request, "namespaces"), namespaces }];
}

/** The offsets of the clocks. */
export function compileTime(request: Request): Operation[] {
  if (!hasOffsets(request)) return [];
  const { monotonic, boottime } = request.profile.namespaces.time_offsets;
  const offsets = `monotonic ${formatOffset(monotonic)}\nboottime ${formatOffset(boottime)}\n`;
  return [{ op: "time_offsets", origin: originOf(request, "namespaces.time_offsets"), offsets }];
}

/** Names and the loopback device. */
export function compileNames(request: Request): Operation[] {
  const { profile } = request;
  const operations: Operation[] = [];
  if (profile.namespaces.uts === "private") {
    operations.push({ op: "hostname", origin: originOf(request, "hostname"), name: profile.hostname });
    if (profile.domainname !== undefined) {
      operations.push({
        op: "domainname",
        origin: originOf(request, "domainname"),
        name: profile.domainname,
      });
    }
  }
  if (profile.network.mode === "none")
    operations.push({ op: "loopback", origin: originOf(request, "network.mode") });
  return operations;
}

/** Without `nested`, the jail's own user namespace allows no further ones (namespaces(7), /proc/sys/user). */
export function compileNesting(request: Request): Operation[] {
  if (request.profile.namespaces.nested) return [];
  const origin = originOf(request, "namespaces.nested");
  return [{ op: "sysctl", origin, name: "user.max_user_namespaces", value: "0" }];
}

/** Seconds may be negative, nanoseconds not (time_namespaces(7)). */
function formatOffset(milliseconds: number): string {
  const seconds = Math.floor(milliseconds / 1000);
  return `${seconds} ${Math.round((milliseconds - seconds * 1000) * 1e6)}`;
}

function checkNamespaces(request: Request): void {
  const { namespaces, process } = request.profile;
  if (namespaces.uts === "host" && isSaid(request, "hostname")) {
    refuse(request, ["hostname", "namespaces.uts"], "A host name of its own takes a private uts namespace.");
  }
  if (process.init) return;
  if (namespaces.pid === "host") {
    refuse(
      request,
      ["process.init", "namespaces.pid"],
      "Without init, only a private pid namespace ends with its command.",
    );
  }
  if (hasOffsets(request)) {
    const keys = ["process.init", "namespaces.time_offsets"];
    refuse(request, keys, "Time offsets are for the children of the process that sets them: init is needed.");
  }
}

function refuse(request: Request, keys: readonly string[], message: string): never {
  throw new TsjailError("profile_conflict", message, {
    detail: keys.map((key) => formatOrigin(request.loaded.origin(key))).join("\n"),
    hint: "Change one of the two.",
  });
}
