import { collectIntents } from "../../src/compile/collect.ts";
import * as assert from "../support/assert.ts";
import { suite } from "../support/suite.ts";
import { makeRequest } from "./fixture.ts";

const test = suite("compile/collect");

const collect = (...toml: string[]) => collectIntents(makeRequest(toml));

test("every key that claims a path becomes one intent, with its place and layer", () => {
  const intents = collect('files.read = ["/a"]', 'files.hide = ["/b"]\n[[mount]]\ntype = "proc"\n');
  const own = intents.filter(({ content }) => content.kind !== "generated");
  assert.equal(
    own.map(({ path, content, origin }) => [path, content.kind, origin.key, origin.file, origin.layer]),
    [
      ["/a", "bind", "files.read[0]", "base.toml", 0],
      ["/b", "hide", "files.hide[0]", "dev.toml", 1],
      ["/proc", "proc", "mount[0]", "dev.toml", 1],
    ],
  );
});

test("generated files are weaker than any wish", () => {
  const generated = collect("").filter(({ content }) => content.kind === "generated");
  assert.equal(generated.map(({ path }) => path).sort(), [
    "/etc/group",
    "/etc/hostname",
    "/etc/hosts",
    "/etc/passwd",
    "/etc/resolv.conf",
  ]);
  assert.ok(generated.every(({ origin }) => origin.layer === -1));
});
