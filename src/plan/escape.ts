// Text from profiles and plans, made safe to print on a terminal: no control characters, no invisible ones.
// In: any string. Out: one line of it; next are describe.ts and ../explain.

/** Everything that moves the cursor, hides itself or turns the line around: categories C, Zl and Zp, and backslash. */
const unsafe = /[\p{C}\p{Zl}\p{Zp}\\]/gu;
const short: Readonly<Record<string, string>> = { "\n": "\\n", "\t": "\\t", "\r": "\\r", "\\": "\\\\" };

/** "a\nb" becomes `a\nb` in four characters; what is harmless stays. */
export function escapeText(text: string): string {
  return text.replace(unsafe, (character) => {
    const code = character.codePointAt(0) ?? 0;
    return (
      short[character] ??
      (code < 0x100 ? `\\x${code.toString(16).padStart(2, "0")}` : `\\u{${code.toString(16)}}`)
    );
  });
}

/** Words that need no quotes to be read as one: no blanks, quotes, `#` or arrows. */
const plain = /^[\p{L}\p{N}\p{M}!$%&()*+,./:;<=>?@[\]^_{|}~-]+$/u;

/** A path or an argument as one word: in double quotes, with escapes, where it isn't plain. */
export function quoteWord(text: string): string {
  return plain.test(text) ? text : `"${escapeText(text).replaceAll('"', '\\"')}"`;
}

/** A word as a POSIX shell takes it, for commands that are to be copied. */
export function quoteShell(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}

/** Shortens to so many characters, with an ellipsis. */
export function shorten(text: string, most: number): string {
  const characters = [...text];
  return characters.length <= most ? text : `${characters.slice(0, most - 1).join("")}…`;
}
