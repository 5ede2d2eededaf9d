import { describeCommand, describeProgram } from "../../src/commands/help.ts";
import { selectCommand } from "../../src/commands/select.ts";
import { commands, loadCommands } from "../../src/commands/table.ts";
import * as assert from "../support/assert.ts";
import { suite } from "../support/suite.ts";
import { makeSurroundings, runLine } from "./fixture.ts";

const test = suite("help");
const style = { color: () => false, version: "1.2.3" };

for (const [name, load] of Object.entries(commands)) {
  test(`the help of ${name} shows its options, what it does, and an example`, async () => {
    const command = await load();
    assert.is(command.meta.name, name);
    const text = await describeCommand(command, style);
    assert.match(text, command.meta.description);
    assert.match(text, `USAGE tsjail ${name}`);
    for (const option of Object.keys(command.args)) assert.match(text, `--${option}`);
    assert.match(text, /\nEXAMPLES\n\n {2}\S/);
    assert.ok(command.examples.some(([line]) => line.includes(name) || name === "run"));
  });
}

test("the help of the program lists every subcommand but the hidden one", async () => {
  const text = await describeProgram(style);
  for (const { meta } of await loadCommands()) assert.match(text, new RegExp(`^ +${meta.name} {2}`, "m"));
  assert.not.match(text, /^ +explain /m);
  assert.match(text, "tsjail v1.2.3");
  assert.match(text, /USAGE tsjail \[OPTIONS\] \[--\] COMMAND/);
  assert.match(text, /--bind=<SRC\[:DST\]\[:ro\|rw\]>/);
  assert.match(text, /PROFILES\n/);
});

test("no line of any help is wider than 110 columns", async () => {
  const texts = [await describeProgram(style)];
  for (const command of await loadCommands()) texts.push(await describeCommand(command, style));
  for (const line of texts.join("\n").split("\n")) assert.ok(line.length <= 110, line);
});

test("colours are there where they are wanted, and not elsewhere", async () => {
  const { plan } = commands;
  assert.match(await describeCommand(await plan(), { ...style, color: () => true }), "\u001B[");
  assert.not.match(await describeCommand(await plan(), style), "\u001B");
});

test("every example of a help is a command line that is understood", async () => {
  for (const command of await loadCommands()) {
    for (const [line] of command.examples) {
      // Of a pipeline or a redirection only what concerns us.
      const words = (line.split(/ [|>&]/)[0] ?? "").replace(/^source <\(|\)$/g, "").split(" ");
      assert.is(words[0], "tsjail", line);
      const selection = await selectCommand(words.slice(1));
      assert.is(selection.kind, "command", line);
    }
  }
});

test("`help` is the program's help, `help plan` is plan's, and an unknown one gets a suggestion", async (context) => {
  const around = makeSurroundings(context);
  assert.match((await runLine(["help"], around)).stdout, /USAGE tsjail \[OPTIONS\]/);
  assert.match((await runLine(["help", "plan"], around)).stdout, /USAGE tsjail plan/);
  await assert.rejects(
    runLine(["help", "plna"], around),
    (error) => "hint" in error && error.hint === "Did you mean plan?",
  );
});
