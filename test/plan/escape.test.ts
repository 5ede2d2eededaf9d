// What is shown of text that may be anybody's. In: strings full of controls. Out: nothing that a terminal obeys, and
// words that a shell reads back.
import { spawnSync } from "node:child_process";
import fc from "fast-check";
import { escapeControls, escapeStyled, quoteShell } from "../../src/plan/escape.ts";
import { formatJson } from "../../src/profile/quote.ts";
import * as assert from "../support/assert.ts";
import { suite } from "../support/suite.ts";

const test = suite("plan/escape");
const unsafe = /[\p{C}\p{Zl}\p{Zp}]/u;
const anything = fc.string({
  unit: fc.oneof(fc.constantFrom(..."\u001b\u009b\u202e\n\\'\"$`a é"), fc.string()),
});

test("nothing that a terminal obeys is left, and the rest is as it was", () => {
  fc.assert(
    fc.property(anything, (text) => {
      assert.not.match(escapeControls(text), unsafe);
      assert.not.match(escapeStyled(text).replaceAll(/\u001b\[[\d;]*m|[\n\t]/g, ""), unsafe);
      if (!unsafe.test(text)) assert.is(escapeControls(text), text);
    }),
  );
  assert.is(escapeControls("a\n\u001b[31mb\\n", "\n"), "a\n\\x1b[31mb\\n");
  assert.is(escapeStyled("\u001b[1ma\u001b[39;0m\u001b[2J\t\n"), "\u001b[1ma\u001b[39;0m\\x1b[2J\t\n");
});

test("JSON comes back as it was, with its controls escaped", () => {
  fc.assert(
    fc.property(anything, (text) => {
      const json = formatJson({ [text]: [text] });
      assert.equal(JSON.parse(json), { [text]: [text] });
      assert.not.match(json.replaceAll("\n", ""), unsafe);
    }),
  );
});

test.needs("command:bash")("a quoted word is the same word to a shell, on one line", () => {
  const words = ["plain", "it's", "a b", "\u001b[31m", "a\nb'\\", "\u009b\u202e€", "\\n'"];
  const line = words.map(quoteShell).join(" ");
  assert.not.match(line, unsafe);
  const { stdout } = spawnSync("bash", ["-c", `printf '%s\\0' ${line}`], { encoding: "utf8" });
  assert.equal(stdout.split("\0").slice(0, -1), words);
});
