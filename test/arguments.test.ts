import fc from "fast-check";
import { splitArguments } from "../src/arguments.ts";
import { TsjailError } from "../src/error.ts";
import { helpOption, jailOptions, versionOption } from "../src/options.ts";
import * as assert from "./support/assert.ts";
import { suite } from "./support/suite.ts";

const test = suite("arguments");
const table = { ...jailOptions, ...helpOption, ...versionOption };
const split = (...argv: string[]) => splitArguments(argv, table);
const given = (...argv: string[]) => split(...argv).given.map(({ name, value }) => [name, value]);

for (const argv of [["--profile", "dev"], ["--profile=dev"], ["-p", "dev"], ["-p=dev"], ["-pdev"]]) {
  test(`${argv.join(" ")} is the profile dev`, () => {
    assert.equal(given(...argv, "ls"), [["profile", "dev"]]);
    assert.equal(split(...argv, "ls").words, ["ls"]);
  });
}

test("an option's text is the same however it was written", () => {
  const texts = [["-p=x"], ["--profile", "x"]].map((argv) => split(...argv).given[0]?.text);
  assert.equal(texts, ["--profile x", "--profile x"]);
});

test("a value keeps its own equals signs, and may be empty", () => {
  assert.equal(given("--set=a=b=c", "--env=A=", "--env="), [
    ["set", "a=b=c"],
    ["env", "A="],
    ["env", ""],
  ]);
});

test("options end at the first word that is none", () => {
  const { given: options, words, separated } = split("--no-tty", "ls", "--help", "-p", "x");
  assert.equal(
    options.map(({ name }) => name),
    ["no-tty"],
  );
  assert.equal(words, ["ls", "--help", "-p", "x"]);
  assert.is(separated, false);
});

test("options end at --, and the next one belongs to the command", () => {
  const { words, separated } = split("-p", "dev", "--", "--", "-x");
  assert.equal(words, ["--", "-x"]);
  assert.is(separated, true);
});

test("a lone - is a word", () => {
  assert.equal(split("-", "x").words, ["-", "x"]);
});

test("with options everywhere, they may follow the words, up to --", () => {
  const result = splitArguments(["dev", "--set", "a=1", "x", "--", "--set"], table, true);
  assert.equal(result.words, ["dev", "x", "--set"]);
  assert.equal(result.given.length, 1);
});

const refusals: [argv: string[], message: RegExp, hint: RegExp][] = [
  [["--profil", "dev"], /There is no option --profil\b/, /--profile\?/],
  [["--bnid=/x"], /There is no option --bnid\./, /--bind\?/],
  [["-x"], /There is no option -x/, /lists the options/],
  [["-profile", "dev"], /There is no option -profile/, /--profile\?/],
  [["-profile=dev"], /There is no option -profile=dev/, /--profile=dev\?/],
  [["--frobnicate"], /There is no option --frobnicate/, /lists the options/],
  [["-q"], /There is no option -q/, /lists the options/],
  [["--__proto__=x"], /There is no option --__proto__/, /--help/],
  [["--constructor"], /There is no option --constructor/, /--help/],
  [["--profile"], /--profile has no value/, /--profile NAME\|FILE, for example: --profile dev/],
  [["-p"], /--profile has no value/, /--profile dev/],
  [["--bind", "--net", "none"], /--bind has no value: --net, which follows/, /--bind=--net/],
  [["--timeout", "--", "ls"], /--timeout has no value: --/, /--timeout 90s/],
];
for (const [argv, message, hint] of refusals) {
  test(`${argv.join(" ")} is refused`, () => {
    assert.throws(
      () => split(...argv),
      (error) =>
        error instanceof TsjailError &&
        error.code === "usage" &&
        message.test(error.message) &&
        hint.test(error.hint ?? ""),
    );
  });
}

test("a flag takes no value, and is given without one", () => {
  assert.throws(() => split("--no-tty=1"), /--no-tty takes no value, and got "1"/);
  assert.equal(given("--no-tty"), [["no-tty", ""]]);
});

test("the words after -- are exactly the given ones, whatever they are", () => {
  fc.assert(
    fc.property(fc.array(fc.string({ unit: "binary" })), (words) => {
      assert.equal(split("-p", "dev", "--no-tty", "--", ...words).words, words);
    }),
  );
});

test("the words from the first that is no option on are exactly the given ones", () => {
  const first = fc.string({ unit: "binary" }).filter((word) => !word.startsWith("-") || word === "-");
  fc.assert(
    fc.property(first, fc.array(fc.string({ unit: "binary" })), (word, words) => {
      assert.equal(split("--set=a=1", word, ...words).words, [word, ...words]);
    }),
  );
});

test("a value arrives as it was written, in all three forms", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), (value) => {
      assert.is(split(`--env=${value}`).given[0]?.value, value);
      if (value !== "") assert.is(split(`-p=${value}`).given[0]?.value, value);
      if (!value.startsWith("-")) assert.is(split("--env", value).given[0]?.value, value);
    }),
  );
});
