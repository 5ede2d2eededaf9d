// Names of environment variables, and globs, as `pass` and `unset` of a plan have them. In: patterns. Out: whether a
// name is meant. native/environment.c decides in the same way.

/** Names, and globs in which `*` stands for anything. */
export function matchNames(patterns: readonly string[]): (name: string) => boolean {
  const sources = patterns.map((pattern) =>
    pattern
      .split("*")
      .map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"))
      .join(".*"),
  );
  const all = new RegExp(`^(?:${sources.join("|")})$`, "s");
  return patterns.length === 0 ? () => false : (name) => all.test(name);
}
