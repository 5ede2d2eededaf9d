import fc from "fast-check";
import { type Selection, selectCommand } from "../../src/commands/select.ts";
import { commands } from "../../src/commands/table.ts";
import { TsjailError } from "../../src/error.ts";
import * as assert from "../support/assert.ts";
import { suite } from "../support/suite.ts";

const test = suite("select");

function summarize(selection: Selection): unknown {
  if (selection.kind === "version") return "version";
  if (selection.kind === "help") return `help ${selection.command?.meta.name ?? ""}`.trimEnd();
  const given = selection.given.map(({ text }) => text);
  return [selection.command.meta.name, given, selection.words];
}
const select = async (...argv: string[]) => summarize(await selectCommand(argv));

const cases: [argv: string[], selection: unknown][] = [
  [["bash"], ["run", [], ["bash"]]],
  [[], ["run", [], []]],
  [
    ["--profile", "dev"],
    ["run", ["--profile dev"], []],
  ],
  [
    ["--profile", "./dev.toml", "bash", "-l"],
    ["run", ["--profile ./dev.toml"], ["bash", "-l"]],
  ],
  [
    ["run", "ls", "--help"],
    ["run", [], ["ls", "--help"]],
  ],
  [
    ["run", "--", "ls", "--help"],
    ["run", [], ["ls", "--help"]],
  ],
  [
    ["run", "plan"],
    ["run", [], ["plan"]],
  ],
  [
    ["run", "run"],
    ["run", [], ["run"]],
  ],
  [
    ["--", "plan"],
    ["run", [], ["plan"]],
  ],
  [
    ["--", "--help"],
    ["run", [], ["--help"]],
  ],
  [
    ["ls", "plan"],
    ["run", [], ["ls", "plan"]],
  ],
  [
    ["ls", "--version"],
    ["run", [], ["ls", "--version"]],
  ],
  [
    ["plan", "-p", "dev", "bash", "--json"],
    ["plan", ["--profile dev"], ["bash", "--json"]],
  ],
  [
    ["plan", "--json", "bash"],
    ["plan", ["--json"], ["bash"]],
  ],
  [
    ["-p", "dev", "plan", "--net", "none", "ls"],
    ["plan", ["--profile dev", "--net none"], ["ls"]],
  ],
  [
    ["check", "dev", "--set", "a=1"],
    ["check", ["--set a=1"], ["dev"]],
  ],
  [
    ["--set", "a=1", "check", "dev"],
    ["check", ["--set a=1"], ["dev"]],
  ],
  [
    ["check", "--", "--odd"],
    ["check", [], ["--odd"]],
  ],
  [
    ["trust", "--revoke"],
    ["trust", ["--revoke"], []],
  ],
  [
    ["explain", "--op", "1", "--", "x"],
    ["explain", [], ["--op", "1", "--", "x"]],
  ],
  [["--help"], "help"],
  [["-h"], "help"],
  [["--help", "bash"], "help"],
  [["-p", "dev", "--help"], "help"],
  [["--help", "plan"], "help plan"],
  [["plan", "--help"], "help plan"],
  [["plan", "-p", "dev", "-h", "bash"], "help plan"],
  [["check", "--help"], "help check"],
  [["--version"], "version"],
  [["-V"], "version"],
];
for (const [argv, expected] of cases) {
  test(`tsjail ${argv.join(" ")}`, async () => {
    assert.equal(await select(...argv), expected);
  });
}

const refusals: [argv: string[], message: RegExp, hint: RegExp][] = [
  [["--json", "plan"], /no option --json/, /--help/],
  [["--net", "none", "doctor"], /`tsjail doctor` has no option --net/, /tsjail … -- doctor/],
  [["check"], /needs PROFILE/, /tsjail check \.\/dev\.toml/],
  [["check", "a", "b"], /takes one word; "b" is too many/, /tsjail check/],
  [["doctor", "now"], /takes no word; "now" is too many/, /tsjail doctor/],
  [["init", "--force"], /no option --force/, /--help/],
  [["trust", "--revok"], /no option --revok/, /--revoke\?/],
];
for (const [argv, message, hint] of refusals) {
  test(`tsjail ${argv.join(" ")} is refused`, async () => {
    await assert.rejects(selectCommand(argv), (error) => {
      assert.ok(error instanceof TsjailError);
      assert.is(error.exitStatus, 125);
      assert.match(error.message, message);
      assert.match(error.hint ?? "", hint);
      return true;
    });
  });
}

test("whatever follows -- is the command of run, byte for byte", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.string({ unit: "binary" })), async (words) => {
      assert.equal(await select("--no-tty", "--", ...words), ["run", ["--no-tty"], words]);
      assert.equal(await select("run", "--", ...words), ["run", [], words]);
    }),
  );
});

test("a first word that is no subcommand, and all that follows, is the command of run", async () => {
  const isFirst = (word: string) => (!word.startsWith("-") || word === "-") && !Object.hasOwn(commands, word);
  await fc.assert(
    fc.asyncProperty(
      fc.string({ unit: "binary" }).filter(isFirst),
      fc.array(fc.string({ unit: "binary" })),
      async (first, words) => {
        assert.equal(await select("-p", "dev", first, ...words), [
          "run",
          ["--profile dev"],
          [first, ...words],
        ]);
        assert.equal(await select("run", first, ...words), ["run", [], [first, ...words]]);
      },
    ),
  );
});
