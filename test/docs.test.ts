// The examples of README.md and docs/ are run: every ```console block in a shell, its output compared with what the
// page says ("…" stands for any text, alone on a line for any lines), and every ```toml block as a profile. Those that
// need a registry, ```registry, are run by test/registry/document.test.ts; those of ```debian by test/debian.
// time-limit: 240s
import { execFileSync, spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import * as assert from "./support/assert.ts";
import { suite } from "./support/suite.ts";

const test = suite("docs");
const root = fileURLToPath(new URL("..", import.meta.url));
const bin = join(root, "bin");

interface Block {
  readonly language: string;
  readonly text: string;
  readonly line: number;
}

function readBlocks(page: string): Block[] {
  const lines = readFileSync(join(root, page), "utf8").split("\n");
  const blocks: Block[] = [];
  let open: { language: string; from: number } | undefined;
  lines.forEach((line, index) => {
    const fence = /^```(\w*)\s*$/.exec(line);
    if (fence === null) return;
    if (open === undefined) {
      open = { language: fence[1] ?? "", from: index + 1 };
      return;
    }
    blocks.push({ language: open.language, text: lines.slice(open.from, index).join("\n"), line: open.from });
    open = undefined;
  });
  assert.is(open, undefined, `${page} has a fence that is not closed`);
  return blocks;
}

interface Step {
  readonly command: string;
  readonly expected: string[];
}

function readSteps(block: Block): Step[] {
  const steps: Step[] = [];
  for (const line of block.text.split("\n")) {
    if (line.startsWith("$ ")) steps.push({ command: line.slice(2), expected: [] });
    else steps.at(-1)?.expected.push(line);
  }
  return steps;
}

const escapePattern = (text: string) => text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");

/** What is expected, as a pattern: "…" is any text in a line, a line that is nothing else is any number of lines. */
function toPattern(expected: readonly string[]): RegExp {
  const lines = expected.map((line) =>
    line.trim() === "…" ? "(?:.*\\n)*" : `${line.split("…").map(escapePattern).join(".*")}\\n`,
  );
  return new RegExp(`^${lines.join("")}$`);
}

/** Runs the commands in one shell, so that `echo $?` and `cd` mean what they say; output by command. */
function runSteps(steps: readonly Step[], directory: string): string[] {
  const script = steps
    .map(({ command }, index) => `__status=$?; printf '\\001${index}\\n'; (exit $__status)\n${command}`)
    .join("\n");
  const { stdout, error } = spawnSync("bash", ["-c", `exec 2>&1\n${script}\n`], {
    cwd: directory,
    encoding: "utf8",
    timeout: 60_000,
    env: { ...process.env, PATH: `${bin}:${process.env.PATH ?? ""}` },
  });
  if (error !== undefined) throw error;
  return stdout.split(/\u0001\d+\n/).slice(1);
}

function inTemporary(action: (directory: string) => void): void {
  const directory = mkdtempSync(join(tmpdir(), "docs-"));
  try {
    action(directory);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

function checkConsole(page: string, block: Block): void {
  const steps = readSteps(block);
  inTemporary((directory) => {
    const outputs = runSteps(steps, directory);
    steps.forEach(({ command, expected }, index) => {
      const output = outputs[index] ?? "(not reached)\n";
      const place = `${page}:${block.line}: $ ${command}\nexpected:\n${expected.join("\n")}\ngot:\n${output}`;
      assert.match(output, toPattern(expected), place);
    });
  });
}

function checkProfile(page: string, block: Block): void {
  inTemporary((directory) => {
    // what the examples name: a profile beside them, a root file system in the home directory
    writeFileSync(join(directory, "common.toml"), 'extends = "base"\n');
    mkdirSync(join(directory, "debian", "etc"), { recursive: true });
    writeFileSync(join(directory, "example.toml"), block.text);
    const { status, stderr } = spawnSync(join(bin, "tsjail"), ["check", "./example.toml"], {
      cwd: directory,
      encoding: "utf8",
      env: { ...process.env, HOME: directory },
    });
    const place = `${page}:${block.line}: ${stderr}`;
    // the one kind of profile that only root can start says so to everybody else
    if (/^map = /m.test(block.text) && process.getuid?.() !== 0)
      assert.match(stderr, /^tsjail: Only a privileged caller can map/, place);
    else assert.is(status, 0, place);
  });
}

const pages = [
  "README.md",
  ...readdirSync(join(root, "docs"))
    .filter((name) => name.endsWith(".md"))
    .map((name) => `docs/${name}`),
];

for (const page of pages) {
  const blocks = readBlocks(page);
  test(`${page} has an example that is run`, () => {
    assert.ok(
      blocks.some(({ language }) => ["console", "toml", "registry"].includes(language)),
      page,
    );
  });
  for (const block of blocks) {
    if (block.language === "console")
      test(`${page}:${block.line} prints what it says`, () => checkConsole(page, block));
    if (block.language === "toml")
      test(`${page}:${block.line} is a valid profile`, () => checkProfile(page, block));
  }
}

test("an example that prints something else fails", () => {
  assert.not.match("two\n", toPattern(["one"]));
  assert.match("one\ntwo\nthree\n", toPattern(["one", "…"]));
  assert.match("took 12 ms\n", toPattern(["took … ms"]));
  assert.not.match("took 12 ms\nmore\n", toPattern(["took … ms"]));
});

test("links between pages lead somewhere", () => {
  for (const page of pages) {
    const directory = page.includes("/") ? join(root, "docs") : root;
    for (const [, target] of readFileSync(join(root, page), "utf8").matchAll(/\]\(([^)#:]+)(?:#[^)]*)?\)/g))
      assert.not.throws(
        () => execFileSync("test", ["-e", join(directory, target ?? "")]),
        `${page}: ${target}`,
      );
  }
});
