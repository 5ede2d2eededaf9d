// The maps of sparse files in tar archives (GNU tar's manual, "Storing Sparse Files"). In: headers, or the beginning of
// a file's content. Out: where its pieces belong. Part of tar.ts.
import { invalid } from "./failure.ts";

export interface Extent {
  readonly offset: number;
  readonly length: number;
}

const block = 512;
/** Of one file. */
const maxExtents = 1_000_000;

/** The old form of GNU tar: four pieces in the header, 21 in each block that follows it. */
export function readGnuExtents(
  header: Buffer,
  more: readonly Buffer[],
  subject: string,
): { extents: Extent[]; realSize: number } {
  const extents: Extent[] = [];
  const read = (bytes: Buffer, start: number, count: number): void => {
    for (let index = 0; index < count; index++) {
      const at = start + index * 24;
      if (bytes[at] === 0 && bytes[at + 12] === 0) continue;
      extents.push({ offset: readField(bytes, at, subject), length: readField(bytes, at + 12, subject) });
    }
  };
  read(header, 386, 4);
  for (const bytes of more) read(bytes, 0, 21);
  return { extents, realSize: readField(header, 483, subject) };
}

/** Twelve bytes: octal digits, or a number to the base of 256. */
function readField(bytes: Buffer, at: number, subject: string): number {
  if (bytes[at] === 0x80) return Number(bytes.readBigUInt64BE(at + 4));
  const text = bytes
    .toString("latin1", at, at + 12)
    .replace(/[\0 ]+$/, "")
    .trim();
  if (!/^[0-7]+$/.test(text)) throw invalid(subject, "has a sparse file whose map can't be read");
  return Number.parseInt(text, 8);
}

/** pax 0.1: "OFFSET,LENGTH,OFFSET,LENGTH…" */
export function parseMapText(text: string, subject: string): Extent[] {
  return pairUp(text === "" ? [] : text.split(","), subject);
}

/** pax 1.0: lines at the beginning of the content, filled up to a whole block. */
export function* parseMap10(
  size: number,
  subject: string,
): Generator<{ all: number }, { extents: Extent[]; length: number }, Buffer> {
  let text = "";
  let length = 0;
  const numbers: string[] = [];
  for (let wanted = 1; numbers.length < wanted; ) {
    if (length + block > size) throw invalid(subject, "has a sparse file whose map is cut off");
    text += (yield { all: block }).toString("latin1");
    length += block;
    const lines = text.split("\n");
    text = lines.pop() ?? "";
    for (const line of lines) {
      if (numbers.length < wanted) numbers.push(line);
      wanted = 1 + 2 * Number(numbers[0]);
    }
    if (!(wanted <= 1 + 2 * maxExtents)) throw invalid(subject, "has a sparse file of too many pieces");
  }
  return { extents: pairUp(numbers.slice(1), subject), length };
}

function pairUp(numbers: readonly string[], subject: string): Extent[] {
  const isWrong = numbers.length % 2 === 1 || numbers.some((number) => !/^\d{1,15}$/.test(number));
  if (isWrong) throw invalid(subject, "has a sparse file whose map can't be read");
  const extents: Extent[] = [];
  for (let at = 0; at < numbers.length; at += 2) {
    extents.push({ offset: Number(numbers[at]), length: Number(numbers[at + 1]) });
  }
  return extents;
}

/** In order, within the file, and as much as there is content. */
export function checkExtents(
  subject: string,
  extents: readonly Extent[] | undefined,
  size: number,
  realSize: number,
) {
  if (extents === undefined) return;
  let [end, content] = [0, 0];
  for (const { offset, length } of extents) {
    if (offset < end || !Number.isSafeInteger(offset + length)) end = Number.POSITIVE_INFINITY;
    else end = offset + length;
    content += length;
  }
  if (!(end <= realSize) || content !== size)
    throw invalid(subject, "has a sparse file that contradicts itself");
}
