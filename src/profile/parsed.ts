// The profiles that come with tsjail, read when it is built: most profiles extend one of them, and to read TOML is a
// good part of a start. In: a text. Out: its table and where its keys are, if the bundle has just this text; one that
// somebody has changed is read like any other. Used by extends.ts and layer.ts.
import { locateKeys, type Position } from "./positions.ts";
import type { Table } from "./shape.ts";

export interface Parsed {
  readonly table: Table;
  /** Line and column by key. */
  readonly positions: Readonly<Record<string, readonly [line: number, column: number]>>;
}

/** Texts, each with its Parsed as JSON: put in by src/build/bundle.ts. */
declare const parsedProfiles: readonly (readonly [text: string, json: string])[] | undefined;

const known = typeof parsedProfiles === "undefined" ? [] : parsedProfiles;

/** A fresh copy each time. */
export function findParsed(text: string): Parsed | undefined {
  const json = known.find((one) => one[0] === text)?.[1];
  return json === undefined ? undefined : JSON.parse(json);
}

export type FindPosition = (key: string) => Position | undefined;

/** Where the keys of a text are. */
export function makePositions(text: string): FindPosition {
  const parsed = findParsed(text);
  if (parsed === undefined) {
    const positions = locateKeys(text);
    return (key) => positions.get(key);
  }
  const { positions } = parsed;
  return (key) => {
    const place = Object.hasOwn(positions, key) ? positions[key] : undefined;
    return place && { line: place[0], column: place[1] };
  };
}
