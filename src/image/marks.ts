// How a layer that was written to says what is removed. In: names and attributes of it. Out: whether they are marks, and
// of what. The kernel's overlayfs and fuse-overlayfs have each their own; pack.ts makes of both what images have, and
// src/layer/diff.ts reads them.
import type { ByteString } from "./bytes.ts";

export interface LayerMarks {
  /** The name below that isn't there any more, by an entry of a directory. */
  readonly findRemoved: (name: ByteString, isDevice: boolean) => ByteString | undefined;
  /** An entry that stands for nothing by itself. */
  readonly isNothing: (name: ByteString) => boolean;
  /** A directory that covers those below it, by its attributes and the names in it. */
  readonly isOpaque: (
    attribute: (name: string) => string | undefined,
    has: (name: string) => boolean,
  ) => boolean;
}

const isSet = (value: string | undefined): boolean => value === "y";

/** Documentation/filesystems/overlayfs.rst of the kernel: a character device 0:0 is in the place of what is removed. */
const kernel: LayerMarks = {
  findRemoved: (name, isDevice) => (isDevice ? name : undefined),
  isNothing: () => false,
  isOpaque: (attribute) => isSet(attribute("user.overlay.opaque")),
};

const prefix = ".wh.";
const opaque = ".wh..wh..opq";

/** fuse-overlayfs(1): the same device where it can make one, else an empty file .wh.NAME; an opaque directory has a file
 * too. It takes no other names of that kind from a jail; .wh..opq is what it makes of its own mark. */
const fuse: LayerMarks = {
  findRemoved: (name, isDevice) => {
    if (name.startsWith(prefix)) return fuse.isNothing(name) ? undefined : name.slice(prefix.length);
    return isDevice ? name : undefined;
  },
  isNothing: (name) => name === opaque || name === ".wh..opq",
  isOpaque: (attribute, has) =>
    isSet(attribute("user.fuseoverlayfs.opaque")) || isSet(attribute("user.overlay.opaque")) || has(opaque),
};

export const layerMarks = { kernel, fuse } as const;
