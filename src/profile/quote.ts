// Text from a profile, as messages show it: in double quotes, on one line, with nothing that a terminal would obey.

import { findControls } from "../plan/escape.ts";

/** A JSON string, every unsafe character escaped; JSON.parse gives the text back. */
export function quote(text: string): string {
  return escapeUnits(JSON.stringify(text));
}

/** JSON for programs, on several lines, which a terminal shows as it is all the same. */
export function formatJson(value: unknown): string {
  const lines = JSON.stringify(value, null, 2).split("\n");
  return `${lines.map(escapeUnits).join("\n")}\n`;
}

function escapeUnits(json: string): string {
  return json.replace(findControls(), (character) =>
    [...Array(character.length).keys()]
      .map((unit) => `\\u${character.charCodeAt(unit).toString(16).padStart(4, "0")}`)
      .join(""),
  );
}

/** As quote(), cut to so many characters. */
export function quoteShort(text: string, most = 60): string {
  return quote(text.length > most ? `${text.slice(0, most)}…` : text);
}

/** A line of a file, each unsafe character replaced by one that shows; columns stay where they were. */
export function showLine(line: string): string {
  return line.replaceAll("\t", " ").replace(findControls(), (character) => "\uFFFD".repeat(character.length));
}
