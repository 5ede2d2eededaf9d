// In: commands that can't be executed. Out: that the message says which part of the profile is why.
import { makeFailure } from "../../src/build/sample.ts";
import { formatError, type TsjailError } from "../../src/error.ts";
import { explain, nameExplanation } from "../../src/explain/explain.ts";
import { known } from "../../src/explain/facts.ts";
import type { Operation } from "../../src/plan/operations.ts";
import * as assert from "../support/assert.ts";
import { suite } from "../support/suite.ts";

const test = suite("explain/execution");

interface Attempt {
  readonly others?: readonly Operation[];
  readonly facts?: Parameters<typeof makeFailure>[0]["facts"];
  /** The command that the command line named. */
  readonly named?: readonly string[];
}

function run(
  command: string,
  errno: string,
  { others, facts, named }: Attempt = {},
): { name: string; error: TsjailError; text: string } {
  const operation: Operation = { op: "command", origin: "command in dev.toml:6", argv: [command] };
  const made = makeFailure({ name: "", operation, step: "execve", cause: errno, facts, others });
  const report = { ...made.report, command: named };
  const error = explain(made.plan, report, made.facts);
  return {
    name: nameExplanation(made.plan, report, made.facts),
    error,
    text: formatError(error).replace(/\s+/g, " "),
  };
}

test("a command that nobody has ends with 127, and its PATH inside is told", () => {
  const { error, text } = run("nope", "ENOENT");
  assert.equal([error.code, error.exitStatus], ["command_not_found", 127]);
  assert.match(
    text,
    /no command nope in the jail.*PATH inside is \/usr\/local\/bin:\/usr\/bin\. The machine has no such program/,
  );
});

test("a command of the host's that the profile hides is told with the key that hides it", () => {
  assert.match(run("mine", "ENOENT").text, /hides \/home\/ada\/bin \(files\.hide\[0\] in dev\.toml:15\)/);
  const tmpfs: Operation = {
    ...{
      op: "mount",
      origin: "files.tmpfs[0] in dev.toml:16",
      fstype: "tmpfs",
      target: "/home",
      options: [],
    },
    ...{ flags: [], set: [] },
  } as Operation;
  assert.match(
    run("mine", "ENOENT", { others: [tmpfs] }).text,
    /of its own on \/home \(files\.tmpfs\[0\] in dev\.toml:16\)/,
  );
});

test("a command that the jail doesn't show comes with the line that shows it", () => {
  const { text } = run("/opt/tool/bin/tool", "ENOENT");
  assert.match(text, /This machine has \/opt\/tool\/bin\/tool\. The profile shows nothing at \/opt/);
  assert.match(text, /read = \["\/opt\/tool\/bin"\] in \[files\].*tsjail --bind \/opt\/tool\/bin/);
});

test("the command that the command line named counts, not the profile's", () => {
  assert.match(run("bash", "ENOENT", { named: ["nope", "x"] }).text, /no command nope/);
});

test("without a PATH the executor's own is searched, and told", () => {
  const bare: Operation = {
    ...{ op: "environment", origin: "", list: ["TERM=linux"], pass: ["LANG"], unset: [], defaults: [] },
  };
  assert.match(
    run("nope", "ENOENT", { others: [bare] }).text,
    /no PATH.*\/usr\/local\/bin:\/usr\/bin:\/bin was searched/,
  );
});

test("the PATH that is told is the one that the executor makes: set, else passed, else the default", () => {
  const told = (lists: object, path = "/caller/bin") => {
    const empty = { list: [], pass: [], unset: [], defaults: ["PATH=/default/bin"] };
    const others = [{ op: "environment", origin: "", ...empty, ...lists } as Operation];
    return /PATH inside is (\S+)\./.exec(run("nope", "ENOENT", { others, facts: { path } }).text)?.[1];
  };
  assert.is(told({}), "/default/bin");
  assert.is(told({ pass: ["P*"] }), "/caller/bin");
  assert.is(told({ pass: ["P*"], unset: ["*H"] }), "/default/bin");
  assert.is(told({ pass: ["*"], list: ["PATH=/set/bin"] }), "/set/bin");
  assert.is(told({ pass: ["*"] }, ""), "/default/bin");
});

test("a script whose interpreter is not shown ends with 126, and names it", () => {
  const { error, text } = run("script", "ENOENT");
  assert.equal([error.code, error.exitStatus], ["command_not_executable", 126]);
  assert.match(
    text,
    /interpreter, which its #! line names, \/opt\/nix\/python3, isn't\. The profile shows nothing at \/opt/,
  );
});

test("a program for another C library, and a script with carriage returns, are recognised", () => {
  assert.match(
    run("foreign", "ENOENT").text,
    /ELF loader, \/lib\/ld-musl-x86_64\.so\.1, isn't\. The program was built for musl/,
  );
  assert.match(
    run("windows", "ENOENT").text,
    /ends as on Windows.*sed -i 's\/\\r\$\/\/' \/usr\/bin\/windows/,
  );
});

test("noexec is told as the profile's, or as the machine's", () => {
  assert.match(run("/mnt/data/run", "EACCES").text, /`noexec` \(mount\[0\] in dev\.toml:20\)/);
  const mounts = known([{ target: "/usr", root: "/", fstype: "ext4", options: ["rw", "noexec"] }]);
  assert.match(run("bash", "EACCES", { facts: { mounts } }).text, /On this machine \/usr is mounted noexec/);
  assert.is(run("bash", "EACCES").name, "command_denied");
});

test("a program for another machine is told from one that is no program", () => {
  assert.match(run("other", "ENOEXEC").text, /built for riscv64, and this machine is x64/);
  assert.match(run("text", "ENOEXEC").text, /neither an ELF program nor a script/);
});

test("an errno that no explanation knows is still told whole", () => {
  const { error, text } = run("bash", "EIO");
  assert.is(error.code, "command_not_executable");
  assert.match(text, /bash.*EIO \(5\).*input\/output error/);
});
