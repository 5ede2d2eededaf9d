// Where the keys of a TOML text are, which smol-toml doesn't say. A text that has been parsed without an error comes
// in; line and column of every key, table and list element go out, by their key ("mount[0].target"). Next: layer.ts.
import { formatKey } from "./key.ts";

/** Both count from 1; columns count UTF-16 units, as editors do. */
export interface Position {
  readonly line: number;
  readonly column: number;
}

type Path = (string | number)[];

/** Reads a TOML text only as far as it takes to know where things are. For a text that is not valid TOML the result
 * is incomplete, never an exception. */
export function locateKeys(text: string): ReadonlyMap<string, Position> {
  const scanner = new Scanner(text);
  scanner.scan();
  return scanner.positions;
}

const singleLineString = /"(?:[^"\\\n]+|\\.)*"?|'[^'\n]*'?/y;
const quotes = new Set(['"', "'"]);

class Scanner {
  readonly positions = new Map<string, Position>();
  readonly #text: string;
  readonly #lineStarts: number[] = [0];
  /** How many elements each list of tables has so far. */
  readonly #elements = new Map<string, number>();
  #at = 0;

  constructor(text: string) {
    this.#text = text;
    for (let end = text.indexOf("\n"); end !== -1; end = text.indexOf("\n", end + 1))
      this.#lineStarts.push(end + 1);
    if (text.startsWith("\uFEFF")) this.#at = 1;
  }

  scan(): void {
    let table: Path = [];
    for (;;) {
      this.#skipVoid();
      const start = this.#at;
      if (start >= this.#text.length) return;
      const isHeader = this.#take("[");
      const isElement = isHeader && this.#take("[");
      if (isHeader) {
        table = this.#enter(this.#readKey(), isElement);
        this.#note(table, start, 0);
        this.#skip(/[\] \t]*/y);
      } else {
        this.#readPair(table);
      }
      if (this.#at === start) this.#at++;
    }
  }

  /** The path of a [table] or [[list of tables]]: a list on the way stands for its last element. */
  #enter(names: readonly string[], isElement: boolean): Path {
    const path: Path = [];
    names.forEach((name, position) => {
      path.push(name);
      const key = formatKey(path);
      const count = this.#elements.get(key) ?? 0;
      if (isElement && position === names.length - 1) {
        this.#elements.set(key, count + 1);
        path.push(count);
      } else if (count > 0) {
        path.push(count - 1);
      }
    });
    return path;
  }

  #readPair(table: Path): void {
    const start = this.#at;
    const path = [...table, ...this.#readKey()];
    this.#note(path, start, table.length);
    this.#skipSpace();
    if (this.#take("=")) this.#readValue(path);
  }

  /** A dotted key: bare, "basic" or 'literal' names. */
  #readKey(): string[] {
    const names: string[] = [];
    do {
      this.#skipSpace();
      names.push(quotes.has(this.#text[this.#at] ?? "") ? this.#readName() : this.#skip(/[A-Za-z0-9_-]*/y));
      this.#skipSpace();
    } while (this.#take("."));
    return names;
  }

  #readName(): string {
    const token = this.#skip(singleLineString);
    return token.startsWith("'") ? token.slice(1, -1) : unescapeName(token.slice(1, -1));
  }

  #readValue(path: Path): void {
    this.#skipSpace();
    if (this.#take("[")) this.#readList(path);
    else if (this.#take("{")) this.#readInlineTable(path);
    else if (quotes.has(this.#text[this.#at] ?? "")) this.#skipString();
    else this.#skip(/[^\s,\]}#][^,\]}#\n]*/y);
  }

  #readList(path: Path): void {
    for (let index = 0; ; ) {
      this.#skipVoid();
      if (this.#take("]") || this.#at >= this.#text.length) return;
      if (this.#take(",")) continue;
      const start = this.#at;
      const element = [...path, index++];
      this.#note(element, start);
      this.#readValue(element);
      if (this.#at === start) return;
    }
  }

  #readInlineTable(path: Path): void {
    for (;;) {
      this.#skipVoid();
      if (this.#take("}") || this.#at >= this.#text.length) return;
      if (this.#take(",")) continue;
      const start = this.#at;
      this.#readPair(path);
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

  /** Notes a path, and what encloses it (down to `from`) where that has no place of its own. */
  #note(path: Path, at: number, from = path.length - 1): void {
    const position = this.#toPosition(at);
    for (let length = from + 1; length <= path.length; length++) {
      const key = formatKey(path.slice(0, length));
      if (!this.positions.has(key)) this.positions.set(key, position);
    }
  }

  #toPosition(at: number): Position {
    let low = 0;
    let high = this.#lineStarts.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if ((this.#lineStarts[middle] ?? 0) <= at) low = middle;
      else high = middle - 1;
    }
    return { line: low + 1, column: at - (this.#lineStarts[low] ?? 0) + 1 };
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
    this.#skip(/[ \t]*/y);
  }

  #skipVoid(): void {
    this.#skip(/\s*(?:#[^\n]*\s*)*/y);
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
