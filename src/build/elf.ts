// Looks at the program that the linker made. In: its bytes; out: what would keep it from running
// without a C library and a dynamic loader, in words. Used by native.ts.

const programHeaders = { dynamic: 2, interpreter: 3, stack: 0x6474e551 } as const;
const executable = 1;
/** DT_PLTRELSZ, DT_RELASZ, DT_RELSZ, DT_RELRSZ: sizes of tables of relocations. */
const relocationSizes = new Set([2, 8, 18, 35]);

interface Segment {
  type: number;
  flags: number;
  content: Buffer;
}

/** What is wrong with a program that has to stand alone; empty when nothing is. */
export function findLinkFaults(program: Buffer): string[] {
  const faults: string[] = [];
  const segments = readSegments(program);
  if (segments.some(({ type }) => type === programHeaders.interpreter)) {
    faults.push("it asks for a dynamic loader");
  }
  const stack = segments.find(({ type }) => type === programHeaders.stack);
  if (stack === undefined || (stack.flags & executable) !== 0) faults.push("its stack is executable");
  const dynamic = segments.find(({ type }) => type === programHeaders.dynamic);
  if (dynamic !== undefined && hasRelocations(dynamic.content)) {
    faults.push("it has relocations, which nobody applies: static data must hold no pointers");
  }
  return faults;
}

function readSegments(program: Buffer): Segment[] {
  const offset = Number(program.readBigUInt64LE(32));
  const size = program.readUInt16LE(54);
  const count = program.readUInt16LE(56);
  return Array.from({ length: count }, (_, index) => {
    const header = program.subarray(offset + index * size, offset + (index + 1) * size);
    const start = Number(header.readBigUInt64LE(8));
    const length = Number(header.readBigUInt64LE(32));
    return {
      type: header.readUInt32LE(0),
      flags: header.readUInt32LE(4),
      content: program.subarray(start, start + length),
    };
  });
}

function hasRelocations(dynamic: Buffer): boolean {
  for (let at = 0; at + 16 <= dynamic.length; at += 16) {
    const tag = Number(dynamic.readBigInt64LE(at));
    if (tag === 0) return false;
    if (relocationSizes.has(tag) && dynamic.readBigUInt64LE(at + 8) > 0n) return true;
  }
  return false;
}
