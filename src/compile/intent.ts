// One path of the profile and what is to be there: every key that claims a path becomes one of these (intents.ts),
// and mounts.ts makes operations of them.
import type { mountAttributes } from "../plan/operations.ts";
import type { KeyOrigin } from "../profile/load.ts";

export type MountAttribute = keyof typeof mountAttributes;

export interface BindContent {
  readonly kind: "bind";
  readonly source: string;
  readonly attributes: readonly MountAttribute[];
  readonly optional: boolean;
  readonly propagation: "private" | "slave";
  /** It is a volume, and this its name, where it has one. */
  readonly volume?: { readonly name?: string };
}

export interface TmpfsContent {
  readonly kind: "tmpfs";
  /** Options of tmpfs(5). */
  readonly options: readonly string[];
  readonly attributes: readonly MountAttribute[];
}

export interface OverlayContent {
  readonly kind: "overlay";
  /** The uppermost first. */
  readonly lower: readonly string[];
  /** Empty for a layer that is thrown away. */
  readonly upper: string;
  readonly work: string;
  readonly attributes: readonly MountAttribute[];
}

export interface FileContent {
  readonly kind: "file";
  /** A file of the host, or the content itself. */
  readonly from: { readonly source: string } | { readonly text: string };
  readonly mode: number;
  readonly optional: boolean;
}

/** One of `generatedFiles`: etc.ts knows what is in it. It gives way to everything that the profile asks for. */
export interface GeneratedContent {
  readonly kind: "generated";
  readonly name: string;
}

export type Content =
  | BindContent
  | TmpfsContent
  | OverlayContent
  | FileContent
  | GeneratedContent
  | { readonly kind: "symlink"; readonly text: string }
  /** `optional`: where nobody in the jail can get there, it need not be hidden. */
  | { readonly kind: "hide"; readonly optional?: true }
  /** `shm`: options of tmpfs(5) for /dev/shm. */
  | { readonly kind: "dev"; readonly shm: readonly string[] }
  | { readonly kind: "proc" | "sys" | "mqueue" | "protect" | "none" };

export interface Intent<C extends Content = Content> {
  /** Where it is, symlinks followed. */
  readonly path: string;
  /** As the profile writes it. */
  readonly written: string;
  readonly content: C;
  readonly origin: KeyOrigin;
}

/** The word for an intent in messages. */
export function describeContent(content: Content): string {
  switch (content.kind) {
    case "bind": {
      const { source, volume } = content;
      const what = volume === undefined ? "a bind of" : "the volume";
      return `${what} ${volume?.name ?? source}, ${content.attributes.includes("ro") ? "read-only" : "writable"}`;
    }
    case "none":
      return "nothing";
    case "hide":
      return "hidden";
    case "protect":
      return "protected";
    case "generated":
    case "file":
      return "a file";
    case "symlink":
      return `a symlink to ${content.text}`;
    default:
      return content.kind;
  }
}
