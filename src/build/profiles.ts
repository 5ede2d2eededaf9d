// What the bundle has of profiles, so that no start has to find it out. In: profiles/, the schema. Out: the shipped
// profiles' texts, each with its table and the places of its keys as JSON (src/profile/parsed.ts); the sections' defaults.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { parse } from "valibot";
import { parseToml } from "../profile/parse.ts";
import type { Parsed } from "../profile/parsed.ts";
import { locateKeys } from "../profile/positions.ts";
import { layerSchema } from "../profile/schema.ts";
import { BuildProblem, root } from "./problem.ts";
import { listFiles } from "./stamp.ts";

export const listProfiles = (): string[] => listFiles(join(root, "profiles"), ".toml");

export function parseProfiles(): [text: string, json: string][] {
  return listProfiles().map((path) => {
    const text = readFileSync(path, "utf8");
    return [text, JSON.stringify(parseProfile(text, path))];
  });
}

/** What the sections of a profile are that it doesn't have (src/profile/section.ts). */
export function readUnwritten(): Record<string, unknown> {
  const sections = Object.entries(layerSchema.entries).filter(
    ([, { wrapped }]) => "entries" in wrapped && wrapped.type === "strict_object",
  );
  const output: Readonly<Record<string, unknown>> = parse(layerSchema, {});
  const unwritten = Object.fromEntries(sections.map(([name]) => [name, output[name]]));
  if (!isDeepStrictEqual(JSON.parse(JSON.stringify(unwritten)), unwritten))
    throw new BuildProblem("A section's default has a value that JSON has not.");
  return unwritten;
}

function parseProfile(text: string, path: string): Parsed {
  const table = parseToml(text, path);
  if (!isDeepStrictEqual(JSON.parse(JSON.stringify(table)), structuredClone(table)))
    throw new BuildProblem(`${path} has a value that JSON has not.`);
  const positions = [...locateKeys(text)].map(([key, { line, column }]) => [key, [line, column]] as const);
  return { table, positions: Object.fromEntries(positions) };
}
