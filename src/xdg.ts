// Where a user's own files are, by the XDG Base Directory Specification 0.8. In: the environment. Out: paths. Used by all
// that keep something: src/cache, src/image, src/layer, and by src/launch/own.ts, which keeps jails from it.
type Environment = Readonly<Record<string, string | undefined>>;

/** Below the home directory, where the variable doesn't say. XDG_RUNTIME_DIR has no such place. */
export const xdgDirectories: ReadonlyMap<string, string> = new Map([
  ["XDG_CONFIG_HOME", ".config"],
  ["XDG_DATA_HOME", ".local/share"],
  ["XDG_STATE_HOME", ".local/state"],
  ["XDG_CACHE_HOME", ".cache"],
]);

/** tsjail's own directory there; undefined without a home. */
export function findOwnDirectory(
  environment: Environment,
  variable: "XDG_CACHE_HOME" | "XDG_DATA_HOME",
): string | undefined {
  const given = environment[variable] ?? "";
  const home = environment.HOME ?? "";
  const place = `${home}/${xdgDirectories.get(variable)}`;
  const base = given.startsWith("/") ? given : home.startsWith("/") ? place : undefined;
  // Not UTF-8: Node shows the path as another one, which is nobody's.
  return base === undefined || base.includes("\uFFFD") ? undefined : `${base}/tsjail`;
}
