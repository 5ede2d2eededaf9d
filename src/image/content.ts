// A file's content on its way to the disk, holes kept as holes. In: its pieces in order, and where they belong. Out: the
// file, of mode 600 until tree.ts settles it.
import { closeSync, ftruncateSync, openSync, writeSync } from "node:fs";
import { type ByteString, toPath } from "./bytes.ts";
import type { Extent } from "./sparse.ts";

export class FileWriter {
  readonly #fd: number;
  readonly #extents: readonly Extent[];
  #index = 0;
  /** Of the present extent. */
  #done = 0;

  constructor(path: ByteString, size: number, extents: readonly Extent[] | undefined) {
    this.#extents = extents ?? [{ offset: 0, length: size }];
    this.#fd = openSync(toPath(path), "wx", 0o600);
    // The hole at the end, if there is one; all the others come by themselves.
    if (extents !== undefined) ftruncateSync(this.#fd, size);
  }

  write(bytes: Buffer): void {
    for (let rest = bytes; rest.length > 0; ) {
      const extent = this.#extents[this.#index];
      if (extent === undefined) return;
      const count = Math.min(rest.length, extent.length - this.#done);
      const written = count === 0 ? 0 : writeSync(this.#fd, rest, 0, count, extent.offset + this.#done);
      this.#done += written;
      rest = rest.subarray(written);
      if (this.#done === extent.length) {
        this.#index++;
        this.#done = 0;
      }
    }
  }

  close(): void {
    closeSync(this.#fd);
  }
}
