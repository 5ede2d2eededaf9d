// What an open file holds. In: a descriptor, and how much of it at most. Out: bytes. Used on the way of a start, where
// readFileSync() would have Node compile eight functions: profile/parse.ts, host/file.ts, loader.ts.
import { readSync } from "node:fs";

/** To the end of the file, which a writer may move meanwhile, or to `most`. */
export function readBytes(descriptor: number, most: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(most);
  let length = 0;
  for (let count = -1; count !== 0 && length < most; length += count) {
    count = readSync(descriptor, bytes, length, most - length, null);
  }
  return length === most ? bytes : bytes.slice(0, length);
}
