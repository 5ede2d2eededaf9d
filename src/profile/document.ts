// docs/profile.md: the reference of profiles, made from the schema, with an introduction that is kept here.
// In: nothing. Out: Markdown. src/build/generate.ts writes it, and a test checks that it is fresh.
import { introduction } from "./introduction.ts";
import { type Key, profileShape, type Shape, type TableShape } from "./shape.ts";
import { formatToml } from "./toml.ts";

export function documentProfile(): string {
  const { keys } = profileShape();
  const isSection = ({ shape }: Key) => shape.type === "table";
  const plain = [...keys].filter(([name, key]) => !isSection(key) && name !== "mount" && name !== "volume");
  const parts = [
    introduction,
    "## Keys",
    "All keys are optional unless it says *required*.",
    "### At the top",
    documentKeys(plain, ""),
    ...[...keys].flatMap(([name, key]) => {
      if (name === "mount") return documentMounts(key.shape);
      if (name === "volume") return documentVolumes(key.shape);
      return key.shape.type === "table" ? documentSection(name, key.shape) : [];
    }),
  ];
  return `${parts.filter((part) => part !== "").join("\n\n")}\n`;
}

function documentSection(name: string, shape: TableShape): string[] {
  const inner = [...shape.keys].flatMap(([key, { shape: each }]) => {
    if (each.type === "table") {
      return [`In \`${name}.${key}\`:`, documentKeys([...each.keys], `[${name}.${key}]\n`)];
    }
    if (each.type !== "list" || each.item.type !== "table") return [];
    return [`Each element of \`${name}.${key}\`:`, documentKeys([...each.item.keys])];
  });
  return [`### [${name}]`, shape.description ?? "", documentKeys([...shape.keys], `[${name}]\n`), ...inner];
}

function documentMounts(shape: Shape): string[] {
  const variants = shape.type === "list" && shape.item.type === "variants" ? [...shape.item.options] : [];
  return [
    "### [[mount]]",
    shape.description ?? "",
    ...variants.flatMap(([type, table]) => {
      const description = table.keys.get("type")?.shape.description ?? "";
      const keys = [...table.keys].filter(([key]) => key !== "type");
      return [`#### type = "${type}"`, description, documentKeys(keys, `[[mount]]\ntype = "${type}"\n`)];
    }),
  ];
}

function documentVolumes(shape: Shape): string[] {
  if (shape.type !== "list" || shape.item.type !== "table") return [];
  return ["### [[volume]]", shape.description ?? "", documentKeys([...shape.item.keys], "[[volume]]\n")];
}

/** A table of keys, and below it TOML that uses each of them.
 * @param heading of that TOML; without one there is none */
function documentKeys(keys: readonly (readonly [string, Key])[], heading?: string): string {
  const rows = keys.map(([name, key]) => {
    const cells = [`\`${name}\``, describeType(key.shape), describeDefault(key), key.shape.description ?? ""];
    return `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`;
  });
  const table = ["| Key | Type | Default | |", "| --- | --- | --- | --- |", ...rows].join("\n");
  if (heading === undefined) return table;
  const examples = keys.flatMap(([name, key]) => formatExample(name, key));
  return `${table}\n\n\`\`\`toml\n${heading}${examples.join("\n")}\n\`\`\``;
}

/** TOML that uses a key: its example, else its default. */
export function formatExample(name: string, { shape, default: fallback }: Key): string[] {
  if (shape.example !== undefined) return [shape.example];
  return fallback === undefined || shape.type === "table" ? [] : [`${name} = ${formatToml(fallback)}`];
}

/** The type in words. */
export function describeType(shape: Shape): string {
  if (shape.type === "number" && shape.min !== undefined && shape.max !== undefined) {
    const most = shape.max === Number.MAX_SAFE_INTEGER ? " or more" : ` to ${shape.max}`;
    return `integer, ${shape.min}${most}`;
  }
  if (shape.type === "choice") return shape.options.map((option) => `\`"${option}"\``).join(", ");
  if (shape.kind !== undefined) return shape.kind;
  if (shape.type === "list") return `list: ${describeType(shape.item)}`;
  if (shape.type === "record") return `table: name = ${describeType(shape.value)}`;
  return shape.type;
}

function describeDefault({ required, default: fallback, shape }: Key): string {
  if (required) return "*required*";
  if (shape.fallback !== undefined) return shape.fallback;
  return fallback === undefined || shape.type === "table" ? "" : `\`${formatToml(fallback)}\``;
}
