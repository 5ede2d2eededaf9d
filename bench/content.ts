// Content for rows that measure files: many of mixed sizes, the same in every run. In: how many, how large. Out: entries
// for test/image/archive.ts. Used by rows/import.ts, rows/files.ts and images.ts.
import type { Made } from "../test/image/archive.ts";

export interface Wish {
  readonly count: number;
  /** The sizes lie between these, half of them below the geometric mean. */
  readonly least: number;
  readonly most: number;
}

/** Words of four letters, drawn by a generator with a fixed seed: gzip halves them or better, as it does programs. */
function makeText(length: number): Buffer {
  const text = Buffer.alloc(length);
  let state = 1;
  for (let at = 0; at < length; at += 5) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    for (let letter = 0; letter < 4; letter++) text[at + letter] = 97 + ((state >>> (28 - 4 * letter)) & 15);
    text[at + 4] = at % 60 === 0 ? 10 : 32;
  }
  return text;
}

/** Directories of fifty files in directories of twenty, all of them below `top`. */
const nameDirectories = (top: string, number: number): [string, string] => {
  const outer = `${top}/group-${Math.floor(number / 1000)}`;
  return [`${outer}/`, `${outer}/part-${Math.floor(number / 50) % 20}/`];
};

export function makeFiles(top: string, { count, least, most }: Wish): Made[] {
  const text = makeText(most + 2 ** 20);
  const directories = new Set<string>();
  const files = Array.from({ length: count }, (_, number): Made => {
    for (const name of nameDirectories(top, number)) directories.add(name);
    // The golden ratio's multiples are spread evenly.
    const size = Math.floor(least * (most / least) ** ((number * 0.618034) % 1));
    const start = (number * 7919) % 2 ** 20;
    const [, directory] = nameDirectories(top, number);
    return { name: `${directory}file-${number}.txt`, content: text.subarray(start, start + size) };
  });
  return [
    { name: `${top}/`, flag: "5" },
    ...[...directories].map((name): Made => ({ name, flag: "5" })),
    ...files,
  ];
}
