// What the executor that has started Node notes of itself and its caller (native/node.c), in TSJAIL_FRONT:
// "version=0.1.0 nofile=1024:524288 landlock=7 … package=/opt/tsjail". In: that text, a name. Out: what it says.
// Next: kernel.ts and landlock.ts for a plan's facts, launch/front.ts for what Node has changed.
export type Note =
  | "version"
  | "nofile"
  | "landlock"
  | "capabilities"
  | "ignored"
  | "plan"
  | "ready"
  | "package";

/** Undefined where nothing is said of it. The package comes last, and may have spaces in it. */
export function readNote(text: string | undefined, name: Note): string | undefined {
  if (text === undefined) return undefined;
  const end = text.indexOf(" package=");
  if (name === "package") return end === -1 ? undefined : text.slice(end + " package=".length);
  const words = ` ${end === -1 ? text : text.slice(0, end)} `;
  const at = words.indexOf(` ${name}=`);
  const from = at + name.length + 2;
  return at === -1 ? undefined : words.slice(from, words.indexOf(" ", from));
}
