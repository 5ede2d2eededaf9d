// What is made from the schema: the reference, the JSON Schema, the starter profile. And that the schema has all it
// takes to make them.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "smol-toml";
import { documentProfile, formatExample } from "../../src/profile/document.ts";
import { profileJsonSchema } from "../../src/profile/json-schema.ts";
import { type Key, profileShape, type Shape } from "../../src/profile/shape.ts";
import { starterProfile } from "../../src/profile/starter.ts";
import * as assert from "../support/assert.ts";
import { suite } from "../support/suite.ts";
import { type Directory, makeDirectory } from "./directory.ts";
import { validate } from "./json-validator.ts";

const test = suite("reference");
const root = join(import.meta.dirname, "../..");

function* walkKeys(shape: Shape, path: string): Generator<[string, string, Key]> {
  if (shape.type === "list") yield* walkKeys(shape.item, `${path}[]`);
  if (shape.type === "variants")
    for (const [type, table] of shape.options) yield* walkKeys(table, `${path}<${type}>`);
  if (shape.type !== "table") return;
  for (const [name, key] of shape.keys) {
    yield [`${path}.${name}`, name, key];
    yield* walkKeys(key.shape, `${path}.${name}`);
  }
}

test("every key has a description, a default in words or values, and an example", () => {
  let count = 0;
  for (const [path, name, key] of walkKeys(profileShape(), "")) {
    count++;
    assert.ok(key.shape.description, `${path} has no description`);
    assert.match(key.shape.description ?? "", /\.$/);
    const hasDefault = key.required || key.default !== undefined || key.shape.fallback !== undefined;
    assert.ok(hasDefault, `${path} has no default`);
    const isShown =
      key.shape.type === "table" || path.includes("map[]") || name === "type" || path === ".mount";
    if (!isShown) assert.ok(formatExample(name, key).length > 0, `${path} has no example`);
  }
  assert.ok(count > 100);
});

test("docs/profile.md is fresh", () => {
  const text = readFileSync(join(root, "docs/profile.md"), "utf8");
  assert.ok(text === documentProfile(), "docs/profile.md is not fresh; run: npm run generate");
});

const loadText = (directory: Directory, text: string) => {
  directory.write("work/example.toml", text);
  return directory.load("./example.toml");
};

test("every example of the reference is a profile", (context) => {
  const directory = makeDirectory(context, { "shipped/dev.toml": "", "work/common.toml": "" });
  const blocks = [...documentProfile().matchAll(/```toml\n([^`]*)```/g)];
  assert.ok(blocks.length > 20);
  for (const [, block = ""] of blocks) assert.ok(loadText(directory, block).profile, block);
});

test("the starter profile works as it is, and with every line that is commented out", (context) => {
  const directory = makeDirectory(context);
  const starter = starterProfile();
  const { profile } = loadText(directory, starter);
  assert.equal(profile.files.write, [join(directory.path, "work")]);
  assert.is(profile.network.mode, "none");
  const all = starter.replace(/^# (?=[a-z_]+ = |\[\[mount\]\])/gm, "");
  assert.ok(Object.keys(parse(all)).length > Object.keys(parse(starter)).length);
  const uncommented = loadText(directory, all).profile;
  assert.is(uncommented.process.timeout, 600_000);
  assert.is(uncommented.mount[0]?.type, "bind");
});

test("the JSON Schema takes every shipped profile and every example", () => {
  const schema = profileJsonSchema();
  for (const name of ["base", "dev", "ci", "offline", "untrusted"]) {
    const profile = parse(readFileSync(join(root, `profiles/${name}.toml`), "utf8"));
    assert.equal(validate(schema, profile), [], name);
  }
  for (const [, block = ""] of documentProfile().matchAll(/```toml\n([^`]*)```/g)) {
    assert.equal(validate(schema, parse(block)), [], block);
  }
});

test("the JSON Schema refuses what the profile's schema refuses", () => {
  const schema = profileJsonSchema();
  const bad = [
    "hostnam = 'x'",
    "hostname = 5",
    "hostname = 'a b'",
    "[files]\nraed = []",
    "[files]\nread = '/x'",
    "[network]\nmode = 'all'",
    "[user]\nuid = -1",
    "[[mount]]\ntype = 'bnd'",
    "[[mount]]\ntype = 'tmpfs'",
    "[[mount]]\ntype = 'proc'\nsize = 5",
    "[process]\ntimeout = '5'",
    "[rlimits]\nnofile = { soft = 1 }",
  ];
  for (const text of bad) assert.ok(validate(schema, parse(text)).length > 0, text);
  assert.equal(validate(schema, parse('[network]\nmode = "${NET:-none}"\n[process]\ntimeout = "$T"')), []);
});
