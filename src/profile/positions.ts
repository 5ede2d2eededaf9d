// Where the keys of a TOML text are, which smol-toml doesn't say. A text that has been parsed without an error comes
// in; line and column of every key, table and list element go out, by their key ("mount[0].target"). Next: layer.ts.
import { appendKey } from "./key.ts";

/** Both count from 1; columns count UTF-16 units, as editors do. */
export interface Position {
  readonly line: number;
  readonly column: number;
}

/** Reads a TOML text only as far as it takes to know where things are. For a text that is not valid TOML the result
 * is incomplete, never an exception. */
export function locateKeys(text: string): ReadonlyMap<string, Position> {
  const scanner = new Scanner(text);
  scanner.scan();
  return scanner.positions;
}

const singleLineString = /"(?:[^"\\\n]+|\\.)*"?|'[^'\n]*'?/y;
const quotes = new Set(['"', "'"]);
const bareName = /[A-Za-z0-9_-]*/y;
const plainValue = /[^\s,\]}#][^,\]}#\n]*/y;
const headerEnd = /[\] \t]*/y;
const space = /[ \t]*/y;
/** Everything between two keys: lines, spaces, comments. */
const voids = /\s*(?:#[^\n]*\s*)*/y;

class Scanner {
  readonly positions = new Map<string, Position>();
  readonly #text: string;
  /** How many elements each list of tables has so far. */
  readonly #elements = new Map<string, number>();
  #at = 0;
  /** Of the last position that was noted. */
  #line = 1;
  #lineStart = 0;

  constructor(text: string) {
    this.#text = text;
    if (text.startsWith("\uFEFF")) this.#at = 1;
  }

  scan(): void {
    let table = "";
    for (;;) {
      this.#skipVoid();
      const start = this.#at;
      if (start >= this.#text.length) return;
      const isHeader = this.#take("[");
      const isElement = isHeader && this.#take("[");
      if (isHeader) {
        table = this.#enter(this.#readKey(), isElement, start);
        this.#skip(headerEnd);
      } else {
        this.#readPair(table);
      }
      if (this.#at === start) this.#at++;
    }
  }

  /** The key of a [table] or [[list of tables]]: a list on the way stands for its last element. */
  #enter(names: readonly string[], isElement: boolean, start: number): string {
    let key = "";
    for (const [position, name] of names.entries()) {
      key = this.#note(appendKey(key, name), start);
      const count = this.#elements.get(key) ?? 0;
      const isNew = isElement && position === names.length - 1;
      if (isNew) this.#elements.set(key, count + 1);
      if (isNew || count > 0) key = this.#note(appendKey(key, isNew ? count : count - 1), start);
    }
    return key;
  }

  #readPair(table: string): void {
    const start = this.#at;
    let key = table;
    for (const name of this.#readKey()) key = this.#note(appendKey(key, name), start);
    this.#skipSpace();
    if (this.#take("=")) this.#readValue(key);
  }

  /** A dotted key: bare, "basic" or 'literal' names. */
  #readKey(): string[] {
    const names: string[] = [];
    do {
      this.#skipSpace();
      names.push(quotes.has(this.#text[this.#at] ?? "") ? this.#readName() : this.#skip(bareName));
      this.#skipSpace();
    } while (this.#take("."));
    return names;
  }

  #readName(): string {
    const token = this.#skip(singleLineString);
    return token.startsWith("'") ? token.slice(1, -1) : unescapeName(token.slice(1, -1));
  }

  #readValue(key: string): void {
    this.#skipSpace();
    if (this.#take("[")) this.#readList(key);
    else if (this.#take("{")) this.#readInlineTable(key);
    else if (quotes.has(this.#text[this.#at] ?? "")) this.#skipString();
    else this.#skip(plainValue);
  }

  #readList(key: string): void {
    for (let index = 0; ; ) {
      this.#skipVoid();
      if (this.#take("]") || this.#at >= this.#text.length) return;
      if (this.#take(",")) continue;
      const start = this.#at;
      this.#readValue(this.#note(appendKey(key, index++), start));
      if (this.#at === start) return;
    }
  }

  #readInlineTable(key: string): void {
    for (;;) {
      this.#skipVoid();
      if (this.#take("}") || this.#at >= this.#text.length) return;
      if (this.#take(",")) continue;
      const start = this.#at;
      this.#readPair(key);
      if (this.#at === start) return;
    }
  }

  #skipString(): void {
    const quote = this.#text[this.#at] ?? "";
    const triple = quote.repeat(3);
    if (!this.#text.startsWith(triple, this.#at)) {
      this.#skip(singleLineString);
      return;
    }
    let end = this.#text.indexOf(triple, this.#at + 3);
    while (quote === '"' && end !== -1 && this.#isEscaped(end)) end = this.#text.indexOf(triple, end + 1);
    this.#at = end === -1 ? this.#text.length : end + 3;
    // Up to two more quotes belong to the string.
    for (let more = 0; more < 2; more++) this.#take(quote);
  }

  #isEscaped(at: number): boolean {
    let backslashes = 0;
    while (this.#text[at - 1 - backslashes] === "\\") backslashes++;
    return backslashes % 2 === 1;
  }

  /** The first place of a key is the one that counts: a table's header, or else its first entry. */
  #note(key: string, at: number): string {
    if (!this.positions.has(key)) this.positions.set(key, this.#toPosition(at));
    return key;
  }

  /** Only ever asked about a place at or after the last one. */
  #toPosition(at: number): Position {
    for (;;) {
      const next = this.#text.indexOf("\n", this.#lineStart) + 1;
      if (next === 0 || next > at) break;
      this.#lineStart = next;
      this.#line++;
    }
    return { line: this.#line, column: at - this.#lineStart + 1 };
  }

  #take(character: string): boolean {
    if (this.#text[this.#at] !== character) return false;
    this.#at++;
    return true;
  }

  #skip(pattern: RegExp): string {
    pattern.lastIndex = this.#at;
    const token = pattern.exec(this.#text)?.[0] ?? "";
    this.#at += token.length;
    return token;
  }

  #skipSpace(): void {
    const next = this.#text[this.#at];
    if (next === " " || next === "\t") this.#skip(space);
  }

  #skipVoid(): void {
    this.#skip(voids);
  }
}

const escapes: Readonly<Record<string, string>> = { b: "\b", t: "\t", n: "\n", f: "\f", r: "\r", e: "\x1b" };

function unescapeName(text: string): string {
  if (!text.includes("\\")) return text;
  return text.replace(/\\(?:x(..)|u(.{4})|U(.{8})|(.))/g, (_, two, four, eight, letter) => {
    const digits: string | undefined = two ?? four ?? eight;
    if (digits === undefined) return escapes[letter] ?? letter;
    const code = Number.parseInt(digits, 16);
    return code <= 0x10ffff ? String.fromCodePoint(code) : "\uFFFD";
  });
}
