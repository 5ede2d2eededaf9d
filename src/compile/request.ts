// What compile is given, as its files pass it on: the profile with its origins, the host, and this run's own wishes.
// Every file here turns a part of it into operations; index.ts puts them in order.
import { formatOrigin } from "../error.ts";
import type { Host } from "../host/host.ts";
import type { KeyOrigin, LoadedProfile } from "../profile/load.ts";
import type { Profile } from "../profile/schema.ts";
import type { Built } from "../seccomp/libseccomp.ts";
import type { Policy } from "../seccomp/policy.ts";
import type { Machine } from "../seccomp/syscalls.ts";

/** What belongs to one start rather than to the profile. */
export interface Run {
  /** The command, when the command line names one. */
  readonly command?: readonly string[] | undefined;
  /** Descriptors of the caller's that the command keeps. */
  readonly passFds: readonly number[];
  /** A descriptor for JSON lines; undefined is none. */
  readonly statusFd?: number | undefined;
  /** The program that turns a failure report into a message, with its arguments; empty is none. */
  readonly explain: readonly string[];
  /** A unix socket of the caller's, for the listener of a filter that notifies; undefined is none. */
  readonly notifyFd?: number | undefined;
  /** Makes programs of rules for system calls; needed where a profile names a file of them. */
  readonly buildProgram?: ((policy: Policy, machine: Machine) => Built) | undefined;
}

export interface Request {
  readonly loaded: LoadedProfile;
  readonly profile: Profile;
  readonly host: Host;
  readonly run: Run;
}

/** The origin of an operation that a key asks for. */
export function originOf(request: Request, key: string): string {
  return formatOrigin(request.loaded.origin(key));
}

/** The origin of an operation that follows from a mount of the profile's: "mount type dev: mount[3] in base.toml:20". */
export function partOf(what: string, origin: KeyOrigin): string {
  return `${what}: ${formatOrigin(origin)}`;
}

/** Whether the profile says it, as against a default. */
export function isSaid(request: Request, key: string): boolean {
  return request.loaded.origin(key).file !== "default";
}
