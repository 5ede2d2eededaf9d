// What a registry wants to hear before it answers: the WWW-Authenticate header (RFC 9110, 11.6.1). In: its text. Out:
// the challenges in it. Next: authorize.ts.

export interface Challenge {
  /** In small letters: "bearer", "basic". */
  readonly scheme: string;
  /** Names in small letters. */
  readonly parameters: Readonly<Record<string, string>>;
}

const token = /^[!#$%&'*+.^_`|~\w-]+/;

/** What can't be read is left out. */
export function parseChallenges(text: string): Challenge[] {
  const challenges: { scheme: string; parameters: Record<string, string> }[] = [];
  let rest = text;
  const take = (pattern: RegExp): string | undefined => {
    const found = pattern.exec(rest)?.[0];
    rest = rest.slice(found?.length ?? 0);
    return found;
  };
  for (;;) {
    take(/^[\s,]+/);
    const name = take(token)?.toLowerCase();
    if (name === undefined) return challenges;
    if (take(/^\s*=\s*/) === undefined) {
      challenges.push({ scheme: name, parameters: {} });
      continue;
    }
    const quoted = take(/^"(?:[^"\\]|\\.)*"/s);
    const value = quoted === undefined ? (take(token) ?? "") : quoted.slice(1, -1).replace(/\\(.)/gs, "$1");
    const last = challenges.at(-1);
    if (last !== undefined && !Object.hasOwn(last.parameters, name)) last.parameters[name] = value;
  }
}
