// What tsjail knows of this machine: the Host value, deeply frozen. read.ts makes it from what needs.ts asks for,
// src/compile reads it and nothing else, so a plan can be compiled in a test for a machine that does not exist.

import type { Layered } from "./layered.ts";
import type { LayerMaker, LayerServer } from "./makers.ts";

export type EntryKind = "directory" | "file" | "symlink" | "other";

/** One entry of the root's top level, or of its /etc. */
export interface RootEntry {
  readonly name: string;
  readonly kind: EntryKind;
  /** What a symlink says. */
  readonly target?: string;
}

/** That something could not be read is a fact too; `code` is the errno's name ("EACCES"). */
export type Missing = { readonly kind: "absent" } | { readonly kind: "unreadable"; readonly code: string };

/** Content is one character per byte (latin1), which, unlike a Uint8Array, can't be changed behind our back. */
export type FileFact = { readonly kind: "content"; readonly content: string } | Missing;

export type RootFact = { readonly kind: "entries"; readonly entries: readonly RootEntry[] } | Missing;

/** The image that the jail's root shows, and what its configuration says, which stands below the profile. */
export interface ImageFact extends Layered {
  readonly name: string;
  /** Held for as long as a jail has the image. */
  readonly lock: string;
  /** NAME=VALUE. */
  readonly env: readonly string[];
  /** "", UID, NAME, and either with :GID or :GROUP. */
  readonly user: string;
  /** Absolute, or undefined. */
  readonly workdir?: string | undefined;
  /** Its entry point with its arguments. */
  readonly command: readonly string[];
}

/** A directory of tsjail's own, or a file that jails are made by: who could write there would decide what the next jail
 * is like. */
export interface OwnDirectory {
  /** Physical: links followed. */
  readonly path: string;
  /** Every place that is passed on the way there, links as well as what they lead to, and its end: who can rename or
   * remove one of them can put another directory in the place of ours. Physical. */
  readonly way: readonly string[];
  /** Nobody's business (kept plans, records of trust), or to be read (profiles). */
  readonly access: "none" | "read";
  /** One profile, or what else a jail is made by. */
  readonly isFile?: true;
}

export interface Host {
  readonly uid: number;
  readonly gid: number;
  /** The name in the user database (passwd(5)); see identity.ts for who is in none. */
  readonly user: string;
  /** $HOME and $SHELL where they are set, else from the user database. */
  readonly home: string;
  readonly shell: string;
  readonly cwd: string;
  /** CAP_SETUID and CAP_SETGID are effective: ranges of ids can be mapped. */
  readonly privileged: boolean;
  /** "6.1.0-28-amd64" */
  readonly kernel: string;
  /** "x64", "arm64" */
  readonly architecture: string;
  /** The highest capability number that the kernel knows. */
  readonly lastCapability: number;
  /** The ABI of Landlock, 0 for none; 0 as well where the profile doesn't want it. */
  readonly landlock: number;
  /** Sockets that systemd, or its like, handed to this very process (sd_listen_fds(3)). */
  readonly listenFds: number;
  /** Their names, as in $LISTEN_FDNAMES. */
  readonly listenFdNames?: string | undefined;
  /** What tsjail relies on at its next start. */
  readonly own: readonly OwnDirectory[];
  /** The top level of the jail's root directory; absent where the root is empty. */
  readonly root: RootFact;
  /** Where the root is an image. */
  readonly image?: ImageFact | undefined;
  /** Its /etc, where that is a directory and lacks a file that tsjail generates; else absent. */
  readonly etc: RootFact;
  /** Where something is mounted, if the root's directories get layers over them. */
  readonly mounts: readonly string[];
  /** The directory of the kept layers; undefined where there is no home to have them in. */
  readonly layers?: string | undefined;
  /** The same of the volumes. */
  readonly volumes?: string | undefined;
  /** The same of layers on disk that are thrown away, where they are wanted. */
  readonly scratch?: string | undefined;
  /** What lays the layers, by the overlay's target as the profile writes it ("/": the root); the kernel where nothing is
   * said. */
  readonly makers: Readonly<Record<string, LayerMaker>>;
  /** Where fuse-overlayfs is one of them. */
  readonly layerServer?: LayerServer | undefined;
  /** Symlinks met on the way to the paths of the profile: physical host path → what the link says. */
  readonly links: Readonly<Record<string, string>>;
  /** What lies at a physical host path, where needs.ts asks. */
  readonly kinds: Readonly<Record<string, EntryKind | "absent">>;
  /** Files of the host, by path. */
  readonly files: Readonly<Record<string, FileFact>>;
  /** Files of the root directory, by their path in it; links were followed inside it only. */
  readonly rootFiles: Readonly<Record<string, FileFact>>;
}

/** The text of a file; undefined when there is none. */
export function decodeText(fact: FileFact | undefined): string | undefined {
  return fact?.kind === "content" ? Buffer.from(fact.content, "latin1").toString("utf8") : undefined;
}
