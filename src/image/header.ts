// The headers of tar archives. In: a block, or the content of an extended header. Out: their fields. Part of tar.ts.
import { Header } from "tar/header";
import type { ByteString } from "./bytes.ts";
import { invalid } from "./failure.ts";

export interface Raw {
  readonly mode: number | undefined;
  readonly uid: number | undefined;
  readonly gid: number | undefined;
  readonly mtime: Date | undefined;
  readonly name: ByteString;
  readonly target: ByteString;
  readonly size: number;
}

/** @returns undefined for the mark of the end */
export function decodeHeader(bytes: Buffer, subject: string): Raw | undefined {
  let header: Header;
  try {
    header = new Header(bytes);
  } catch {
    throw invalid(subject, "has an entry with an impossible number");
  }
  if (header.nullBlock) return undefined;
  if (!header.cksumValid)
    throw invalid(subject, "is no tar archive, or damaged: a header's checksum is wrong");
  const text = (start: number, length: number) => readString(bytes.subarray(start, start + length));
  // In GNU's own form other things are where POSIX has the prefix.
  const prefix = text(257, 6) === "ustar" && bytes[262] === 0 ? text(345, 155) : "";
  const name = prefix === "" ? text(0, 100) : `${prefix}/${text(0, 100)}`;
  const { mode, uid, gid, size = Number.NaN, mtime } = header;
  return { mode, uid, gid, size, mtime, name, target: text(157, 100) };
}

export const readString = (bytes: Buffer): ByteString => bytes.toString("latin1").replace(/\0.*$/s, "");

/** pax(1): "LENGTH KEY=VALUE\n", the length being that of the whole record. */
export function parsePax(bytes: Buffer, subject: string): Map<string, ByteString> {
  const fields = new Map<string, ByteString>();
  for (let at = 0; at < bytes.length; ) {
    const [, digits = ""] = /^(\d{1,8}) /.exec(bytes.toString("latin1", at, at + 9)) ?? [];
    const length = Number(digits);
    const record = bytes.toString("latin1", at + digits.length + 1, at + length);
    const equals = record.indexOf("=");
    if (digits === "" || at + length > bytes.length || !record.endsWith("\n") || equals < 1) {
      throw invalid(subject, "has a damaged extended header");
    }
    fields.set(record.slice(0, equals), record.slice(equals + 1, -1));
    at += length;
  }
  return fields;
}

export function readNumber(text: string | undefined): number | undefined {
  return text !== undefined && /^\d{1,16}$/.test(text) ? Number(text) : undefined;
}

export function readTime(text: string | undefined): bigint | undefined {
  const match = /^(-?)(\d{1,12})(?:\.(\d*))?$/.exec(text ?? "");
  if (match === null) return undefined;
  const [, sign, seconds = "0", fraction = ""] = match;
  const value = BigInt(seconds) * 1_000_000_000n + BigInt(fraction.slice(0, 9).padEnd(9, "0"));
  return sign === "-" ? -value : value;
}

/** Of a device's number: eight bytes. */
export function readOctal(header: Buffer, at: number): number {
  if (header[at] === 0x80) return header.readUInt32BE(at + 4);
  const text = readString(header.subarray(at, at + 8)).trim();
  return /^[0-7]+$/.test(text) ? Number.parseInt(text, 8) : 0;
}
