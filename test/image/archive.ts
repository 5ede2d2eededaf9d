// Archives for tests, written byte by byte, so that they can be as wrong as anybody's. In: entries. Out: the bytes of a
// tar archive, ustar unless fields say otherwise. Used by the tests of src/image.

export interface Made {
  name: string;
  /** "0" file, "1" link, "2" symbolic link, "3" and "4" devices, "5" directory, "6" FIFO, "x" pax, "L" long name … */
  flag?: string;
  mode?: number;
  uid?: number;
  gid?: number;
  mtime?: number;
  link?: string;
  content?: string | Buffer;
  /** Other than the content's. */
  size?: number;
  major?: number;
  minor?: number;
  /** Extended headers before it. */
  pax?: Readonly<Record<string, string | Buffer>>;
  /** Changes the header before its checksum is made. */
  alter?: (header: Buffer) => void;
  /** Bytes between the header and the content. */
  between?: Buffer;
}

const octal = (value: number, width: number): string => `${value.toString(8).padStart(width - 1, "0")}\0`;
const fill = (bytes: Buffer): Buffer =>
  Buffer.concat([bytes, Buffer.alloc((512 - (bytes.length % 512)) % 512)]);

export function makeHeader(entry: Made, length: number): Buffer {
  const header = Buffer.alloc(512);
  header.write(entry.name, 0, 100, "latin1");
  header.write(octal(entry.mode ?? (entry.flag === "5" ? 0o755 : 0o644), 8), 100);
  header.write(octal(entry.uid ?? 0, 8), 108);
  header.write(octal(entry.gid ?? 0, 8), 116);
  header.write(octal(entry.size ?? length, 12), 124);
  header.write(octal(entry.mtime ?? 1_600_000_000, 12), 136);
  header.write(entry.flag ?? "0", 156);
  header.write(entry.link ?? "", 157, 100, "latin1");
  header.write("ustar\x0000", 257);
  header.write(octal(entry.major ?? 0, 8), 329);
  header.write(octal(entry.minor ?? 0, 8), 337);
  entry.alter?.(header);
  header.fill(" ", 148, 156);
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148);
  return header;
}

export function makePax(fields: Readonly<Record<string, string | Buffer>>): Buffer {
  return Buffer.concat(
    Object.entries(fields).map(([key, value]) => {
      const rest = Buffer.concat([Buffer.from(` ${key}=`), Buffer.from(value as string), Buffer.from("\n")]);
      let length = rest.length + 1;
      while (String(length).length + rest.length !== length) length = String(length).length + rest.length;
      return Buffer.concat([Buffer.from(String(length)), rest]);
    }),
  );
}

export function makeEntry(entry: Made): Buffer {
  const content = Buffer.from(entry.content ?? "");
  const pax = entry.pax === undefined ? Buffer.alloc(0) : makePax(entry.pax);
  const before = pax.length === 0 ? [] : [makeHeader({ name: "pax", flag: "x" }, pax.length), fill(pax)];
  const between = entry.between ?? Buffer.alloc(0);
  return Buffer.concat([...before, makeHeader(entry, content.length), between, fill(content)]);
}

/** With the mark of its end. */
export function makeTar(...entries: readonly Made[]): Buffer {
  return Buffer.concat([...entries.map(makeEntry), Buffer.alloc(1024)]);
}
