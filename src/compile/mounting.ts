// What mounts.ts hands to the makers of single kinds of mount, and what they give back.
import type { Operation } from "../plan/operations.ts";
import type { Ids } from "./ids.ts";
import type { Resolved } from "./intents.ts";
import type { Request } from "./request.ts";

export interface Mounting {
  readonly request: Request;
  readonly resolved: Resolved;
  readonly ids: Ids;
  /** Paths below which something is put: they need a file system in which mount points can be made. */
  readonly parents: ReadonlySet<string>;
  /** Paths that the profile speaks of, be it to say "none": what tsjail would put there by itself gives way. */
  readonly claimed: ReadonlySet<string>;
}

/** Operations by when they are due, each list shallow before deep. */
export interface Mounted {
  readonly mounts?: readonly Operation[];
  /** Once all mounts are there. */
  readonly terminal?: readonly Operation[];
  /** Over what the mounts brought. */
  readonly masks?: readonly Operation[];
  /** When nothing more is to be put on them. */
  readonly seals?: readonly Operation[];
}
