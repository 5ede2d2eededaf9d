// Text from profiles and plans, made safe to print on a terminal: no control characters, no invisible ones.
// In: any string. Out: one line of it; next are describe.ts and ../explain.

/** Everything that moves the cursor, hides itself or turns the line around: categories C, Zl and Zp. A function, as are
 * the others: V8 builds these sets of characters as soon as it meets them, and most starts have nothing to say. */
export const findControls = () => /[\p{C}\p{Zl}\p{Zp}]/gu;
const short: Readonly<Record<string, string>> = { "\n": "\\n", "\t": "\\t", "\r": "\\r", "\\": "\\\\" };

/** "a\nb" becomes `a\nb` in four characters; what is harmless stays. */
export function escapeText(text: string): string {
  return text.replace(/[\p{C}\p{Zl}\p{Zp}\\]/gu, (character) => {
    const code = character.codePointAt(0) ?? 0;
    return (
      short[character] ??
      (code < 0x100 ? `\\x${code.toString(16).padStart(2, "0")}` : `\\u{${code.toString(16)}}`)
    );
  });
}

/** The last pass over what a person reads: a control character that no message escaped on its own, and no styling. What
 * was escaped before stays as it is.
 * @param kept control characters that are meant, as the line feeds of a message with several lines */
export function escapeControls(text: string, kept = ""): string {
  return text.replace(findControls(), (character) =>
    kept.includes(character) ? character : escapeText(character),
  );
}

/** The same for text that may be coloured (SGR of console_codes(4)). */
export function escapeStyled(text: string): string {
  const pieces = text.split(/(\u001B\[[\d;]*m)/);
  return pieces.map((piece, index) => (index % 2 === 1 ? piece : escapeControls(piece, "\n\t"))).join("");
}

/** Words that need no quotes to be read as one: no blanks, quotes, `#` or arrows. */
const findPlain = () => /^[\p{L}\p{N}\p{M}!$%&()*+,./:;<=>?@[\]^_{|}~-]+$/u;

/** A path or an argument as one word: in double quotes, with escapes, where it isn't plain. */
export function quoteWord(text: string): string {
  return findPlain().test(text) ? text : `"${escapeText(text).replaceAll('"', '\\"')}"`;
}

/** A word as a POSIX shell takes it, for commands that are to be copied; $'…' is in POSIX since 2024. */
export function quoteShell(text: string): string {
  if (/^[\w@%+=:,./-]+$/.test(text)) return text;
  if (text.search(findControls()) === -1) return `'${text.replaceAll("'", "'\\''")}'`;
  const bytes = (character: string) =>
    [...Buffer.from(character)].map((byte) => `\\x${byte.toString(16).padStart(2, "0")}`).join("");
  return `$'${text.replace(/[\\']/g, "\\$&").replace(findControls(), bytes)}'`;
}

/** Shortens to so many characters, with an ellipsis. */
export function shorten(text: string, most: number): string {
  const characters = [...text];
  return characters.length <= most ? text : `${characters.slice(0, most - 1).join("")}…`;
}
