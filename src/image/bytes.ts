// Paths as the kernel has them: bytes. In: text, or bytes. Out: a ByteString, a JavaScript string with one character for
// each byte, since names in an archive need not be UTF-8. Used by everything here that touches a layer's files.

/** One character for each byte (latin1). */
export type ByteString = string;

export const fromText = (text: string): ByteString => Buffer.from(text).toString("latin1");

/** For node:fs. */
export const toPath = (bytes: ByteString): Buffer => Buffer.from(bytes, "latin1");

/** For people and JSON: what is not UTF-8 is written as \xHH, and so the text tells it from any other name. */
export function toText(bytes: ByteString): string {
  if (/^[\0-\x7F]*$/.test(bytes)) return bytes;
  const text = Buffer.from(bytes, "latin1").toString();
  if (!text.includes("\uFFFD") || fromText(text) === bytes) return text;
  return bytes.replace(/[\x80-\xFF\\]/g, (byte) => `\\x${byte.charCodeAt(0).toString(16).padStart(2, "0")}`);
}

/** Whether toText() gives the name itself. */
export const isText = (bytes: ByteString): boolean => fromText(toText(bytes)) === bytes;
