// The shipped profiles as the bundle has them (src/profile/parsed.ts). In: profiles/. Out: their texts, each with its
// table and the places of its keys as JSON.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { parseToml } from "../profile/parse.ts";
import type { Parsed } from "../profile/parsed.ts";
import { locateKeys } from "../profile/positions.ts";
import { BuildProblem, root } from "./problem.ts";
import { listFiles } from "./stamp.ts";

export const listProfiles = (): string[] => listFiles(join(root, "profiles"), ".toml");

export function parseProfiles(): [text: string, json: string][] {
  return listProfiles().map((path) => {
    const text = readFileSync(path, "utf8");
    return [text, JSON.stringify(parseProfile(text, path))];
  });
}

function parseProfile(text: string, path: string): Parsed {
  const table = parseToml(text, path);
  if (!isDeepStrictEqual(JSON.parse(JSON.stringify(table)), structuredClone(table)))
    throw new BuildProblem(`${path} has a value that JSON has not.`);
  const positions = [...locateKeys(text)].map(([key, { line, column }]) => [key, [line, column]] as const);
  return { table, positions: Object.fromEntries(positions) };
}
