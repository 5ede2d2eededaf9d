// An origin as a plan carries it, taken apart again. In: "files.write[2] in dev.toml:14". Out: an Origin; next is
// explain.ts.
import type { Origin } from "../error.ts";

/** The inverse of formatOrigin; undefined for an operation without one. A default is said to be tsjail's. */
export function parseOrigin(text: string): Origin | undefined {
  if (text === "") return undefined;
  const [, key, place = text] = /^(.+) in (.+)$/s.exec(text) ?? [];
  const [, path, digits] = /^(.+):([1-9]\d{0,8})$/s.exec(place) ?? [];
  const file = path ?? place;
  return {
    file: file === "default" ? "tsjail's defaults" : file,
    ...(key === undefined ? {} : { key }),
    ...(digits === undefined ? {} : { line: Number(digits) }),
  };
}
