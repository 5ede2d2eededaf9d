// The directory that a layer is unpacked into. In: entries of an archive that nobody trusts, in its order. Out: files
// of the user's own below that directory, and only there: every parent of an entry is looked at, component by component,
// and has to be a directory of this very tree, never a symbolic link. Nobody else writes there meanwhile: it lies in the
// store's scratch. Next: node.ts makes the single files; unpack.ts feeds it.
import { chmodSync, linkSync, lstatSync, mkdirSync, type Stats, symlinkSync, unlinkSync } from "node:fs";
import { type ByteString, fromText, toPath, toText } from "./bytes.ts";
import { FileWriter } from "./content.ts";
import { invalid } from "./failure.ts";
import type { Owner, Owners } from "./owners.ts";
import { removeBytes } from "./remove.ts";
import { makeFifo, makeWhiteout, setAttribute, setTimes, trySetAttribute } from "./system.ts";
import type { Entry, Sink } from "./tar.ts";

const opaque = "user.overlay.opaque";
/** Of ours on the disk; setuid and setgid are kept in words: the files are the user's, not root's. */
const plainBits = 0o1777;

export class Tree {
  readonly #root: ByteString;
  readonly #subject: string;
  readonly #isLayer: boolean;
  /** Known to be real directories. */
  #known = new Set<ByteString>([""]);
  /** Modes and times of directories come last: what is to be put into them would be refused, or change them. */
  readonly #directories = new Map<ByteString, { mode: number; mtime: bigint }>();
  readonly #owners = new Map<ByteString, Owner>();

  /** @param root an empty directory
   * @param isLayer names that begin with .wh. are whiteouts, not files */
  constructor(root: string, subject: string, isLayer = true) {
    this.#root = fromText(root);
    this.#subject = subject;
    this.#isLayer = isLayer;
  }

  /** @returns where the content goes, for a file
   * @throws TsjailError `image_invalid` */
  add(entry: Entry): Sink | undefined {
    const path = this.#readPath(entry.path);
    if (path === "") {
      if (entry.type !== "directory")
        throw this.#refuse(entry.path, "would take the place of the whole tree");
      this.#noteDirectory("", entry);
      return undefined;
    }
    const cut = path.lastIndexOf("/") + 1;
    const [parent, name] = [path.slice(0, Math.max(cut - 1, 0)), path.slice(cut)];
    this.#enter(parent, entry.path);
    if (this.#isLayer && name.startsWith(".wh.")) return this.#whiteOut(parent, name.slice(4), entry);
    return this.#make(path, entry);
  }

  /** Gives directories their modes and times, the deepest first.
   * @returns what the files themselves can't say */
  finish(): Owners {
    const depth = (path: ByteString): number => (path === "" ? 0 : path.split("/").length);
    const directories = [...this.#directories].sort(([a], [b]) => depth(b) - depth(a));
    for (const [path, { mode, mtime }] of directories) {
      // An entry that came later may have taken its place.
      if (this.#look(path)?.isDirectory() !== true) continue;
      const place = this.#at(path);
      if (mtime !== noTime) setTimes(place, mtime);
      chmodSync(toPath(place), mode & plainBits);
    }
    return new Map([...this.#owners].map(([path, owner]) => [toText(path), owner]));
  }

  #at(path: ByteString): ByteString {
    return path === "" ? this.#root : `${this.#root}/${path}`;
  }

  #look(path: ByteString): Stats | undefined {
    return lstatSync(toPath(this.#at(path)), { throwIfNoEntry: false });
  }

  #refuse(path: ByteString, why: string): Error {
    return invalid(this.#subject, `has an entry that ${why}: ${JSON.stringify(toText(path))}`);
  }

  /** Without "." and doubled slashes; "" is the tree itself. */
  #readPath(given: ByteString): ByteString {
    if (given.startsWith("/")) throw this.#refuse(given, "has an absolute path");
    // PATH_MAX; and nobody's depth is to be ours.
    if (given.length > 4095)
      throw invalid(this.#subject, "has an entry whose path is longer than any can be");
    if (given.includes("\0")) throw this.#refuse(given, "has a zero byte in its name");
    const parts = given.split("/").filter((part) => part !== "" && part !== ".");
    if (parts.includes("..")) throw this.#refuse(given, "leads out of the tree by ..");
    return parts.join("/");
  }

  /** Makes sure that a path is a directory and no link is on the way; makes what is missing. */
  #enter(path: ByteString, entry: ByteString): void {
    if (this.#known.has(path)) return;
    const cut = path.lastIndexOf("/");
    this.#enter(cut === -1 ? "" : path.slice(0, cut), entry);
    const status = this.#look(path);
    if (status === undefined) {
      mkdirSync(toPath(this.#at(path)), { mode: 0o700 });
      this.#directories.set(path, { mode: 0o755, mtime: noTime });
    } else if (status.isSymbolicLink()) {
      throw this.#refuse(entry, `goes through a symbolic link (${JSON.stringify(toText(path))})`);
    } else if (!status.isDirectory()) {
      throw this.#refuse(
        entry,
        `lies below something that is no directory (${JSON.stringify(toText(path))})`,
      );
    }
    this.#known.add(path);
  }

  #make(path: ByteString, entry: Entry): Sink | undefined {
    const place = this.#at(path);
    if (entry.type === "directory") {
      const status = this.#look(path);
      if (status?.isDirectory() !== true) {
        this.#clear(path, status);
        mkdirSync(toPath(place), { mode: 0o700 });
        this.#known.add(path);
      }
      this.#noteDirectory(path, entry);
      return undefined;
    }
    if (entry.type === "link") {
      this.#link(path, entry);
      return undefined;
    }
    this.#clear(path, this.#look(path));
    if (entry.type === "file") return this.#writeFile(path, entry);
    if (entry.type === "symlink") {
      if (entry.target === "" || entry.target.includes("\0"))
        throw this.#refuse(entry.path, "is a symbolic link to nothing");
      symlinkSync(toPath(entry.target), toPath(place));
      this.#note(path, entry, {}, entry.attributes);
      setTimes(place, entry.mtime);
    } else if (entry.type === "fifo") {
      makeFifo(place);
      this.#settle(path, entry);
    } else {
      const kind = entry.type === "block-device" ? "block" : "character";
      const { major, minor, mode } = entry;
      this.#note(path, entry, { mode, device: { kind, major, minor } }, entry.attributes);
    }
    return undefined;
  }

  #writeFile(path: ByteString, entry: Entry): Sink {
    const file = new FileWriter(this.#at(path), entry.size, entry.extents);
    return {
      write: (bytes) => file.write(bytes),
      end: () => {
        file.close();
        this.#settle(path, entry);
      },
    };
  }

  #link(path: ByteString, entry: Entry): void {
    const target = this.#readPath(entry.target);
    const cut = target.lastIndexOf("/");
    const parent = cut === -1 ? "" : target.slice(0, cut);
    if (parent !== "" && this.#look(parent) !== undefined) this.#enter(parent, entry.path);
    if (target === path) return;
    const noted = this.#owners.get(target);
    const status = this.#look(target);
    if (status === undefined && noted?.device === undefined) {
      const shown = JSON.stringify(toText(entry.target));
      throw this.#refuse(entry.path, `is a hard link to what the archive does not have before it (${shown})`);
    }
    if (status?.isDirectory()) throw this.#refuse(entry.path, "is a hard link to a directory");
    this.#clear(path, this.#look(path));
    if (status !== undefined) linkSync(toPath(this.#at(target)), toPath(this.#at(path)));
    if (noted !== undefined) this.#owners.set(path, noted);
  }

  #whiteOut(parent: ByteString, name: ByteString, entry: Entry): undefined {
    if (name === ".wh..opq") {
      setAttribute(this.#at(parent), opaque, Buffer.from("y"));
      return;
    }
    // aufs' own: .wh..wh.plnk, .wh..wh.aufs and what is in them.
    if (name.startsWith(".wh.")) return;
    if (name === "" || name === "." || name === "..")
      throw this.#refuse(entry.path, "removes what has no name");
    const path = parent === "" ? name : `${parent}/${name}`;
    // The layer itself has it too: that is what counts (OCI image specification, layer.md, "Whiteouts").
    if (this.#look(path) === undefined && !this.#owners.has(path)) makeWhiteout(this.#at(path));
  }

  /** Takes away what an earlier entry of that name has made. */
  #clear(path: ByteString, status: Stats | undefined): void {
    this.#owners.delete(path);
    if (status === undefined) return;
    if (!status.isDirectory()) {
      unlinkSync(toPath(this.#at(path)));
      return;
    }
    this.#known = new Set([""]);
    removeBytes(this.#at(path));
    for (const known of this.#owners.keys()) if (known.startsWith(`${path}/`)) this.#owners.delete(known);
  }

  #noteDirectory(path: ByteString, entry: Entry): void {
    const rest = this.#setAttributes(path, entry);
    this.#directories.set(path, { mode: entry.mode, mtime: entry.mtime });
    this.#note(path, entry, entry.mode === (entry.mode & plainBits) ? {} : { mode: entry.mode }, rest);
  }

  /** Attributes, times and mode of what is not a directory. */
  #settle(path: ByteString, entry: Entry): void {
    const rest = this.#setAttributes(path, entry);
    const place = this.#at(path);
    setTimes(place, entry.mtime);
    chmodSync(toPath(place), entry.mode & plainBits);
    this.#note(path, entry, entry.mode === (entry.mode & plainBits) ? {} : { mode: entry.mode }, rest);
  }

  /** @returns those that have to be kept in words */
  #setAttributes(path: ByteString, entry: Entry): Map<string, Buffer> {
    const rest = new Map<string, Buffer>();
    for (const [name, value] of entry.attributes) {
      // An archive's own would tell overlayfs what the layer is made of.
      const isOurs = name.startsWith("user.") && !name.startsWith("user.overlay.");
      if (!isOurs || !trySetAttribute(this.#at(path), name, value)) rest.set(name, value);
    }
    return rest;
  }

  #note(path: ByteString, entry: Entry, more: Owner, attributes: ReadonlyMap<string, Buffer>): void {
    const owner: Owner = {
      ...(entry.uid === 0 ? {} : { uid: entry.uid }),
      ...(entry.gid === 0 ? {} : { gid: entry.gid }),
      ...more,
      ...(attributes.size === 0
        ? {}
        : {
            attributes: Object.fromEntries(
              [...attributes].map(([name, value]) => [name, value.toString("base64")]),
            ),
          }),
    };
    if (Object.keys(owner).length > 0) this.#owners.set(path, owner);
    else this.#owners.delete(path);
  }
}

/** A directory that no entry is about keeps the time of its making. */
const noTime = -(2n ** 62n);
