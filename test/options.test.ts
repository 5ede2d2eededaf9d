import { splitArguments } from "../src/arguments.ts";
import { TsjailError } from "../src/error.ts";
import { jailOptions, type OptionTable, readJailRequest } from "../src/options.ts";
import * as assert from "./support/assert.ts";
import { suite } from "./support/suite.ts";

const test = suite("options");
const read = (...argv: string[]) => readJailRequest(splitArguments(argv, jailOptions).given, "/work");
const readKeys = (...argv: string[]) => read(...argv).overrides.map(({ key, value }) => [key, value]);

const bind = (source: string, target: string, readonly: boolean) => [
  ["mount", { type: "bind", source, target, readonly }],
];
const meanings: [argv: string[], overrides: unknown][] = [
  [["--set", "hostname=box"], [["hostname", "box"]]],
  [["--set", "hostname = 'box'"], [["hostname", "box"]]],
  [["--set", "process.init=false"], [["process.init", false]]],
  [["--set", "rlimits.nofile=512"], [["rlimits.nofile", 512]]],
  [["--set", "rlimits.as=4G"], [["rlimits.as", "4G"]]],
  [["--set", "process.timeout=1h30m"], [["process.timeout", "1h30m"]]],
  [["--set", 'files.hide=["/a", "/b"]'], [["files.hide", ["/a", "/b"]]]],
  [["--set", "description="], [["description", ""]]],
  [["--set", "description=a = b"], [["description", "a = b"]]],
  [["--set", "description=2024-01-01"], [["description", "2024-01-01"]]],
  [["--set", "description=nan"], [["description", "nan"]]],
  [["--set", 'network.hosts."a=b"=1.2.3.4'], [['network.hosts."a=b"', "1.2.3.4"]]],
  [["--bind", "/a"], bind("/a", "/a", true)],
  [["--bind", "/a:rw"], bind("/a", "/a", false)],
  [["--bind", "/a:/b"], bind("/a", "/b", true)],
  [["--bind", "/a:/b:ro"], bind("/a", "/b", true)],
  [["--bind", "/a:/b:rw"], bind("/a", "/b", false)],
  [["--bind", "data:/data"], bind("/work/data", "/data", true)],
  [["--bind", ".:rw"], bind("/work", "/work", false)],
  [["--bind", "/$HOME"], bind("/$HOME", "/$HOME", true)],
  [["--tmpfs", "/t"], [["mount", { type: "tmpfs", target: "/t" }]]],
  [["--tmpfs", "/t:512M"], [["mount", { type: "tmpfs", target: "/t", size: "512M" }]]],
  [["--tmpfs", "/t:4096"], [["mount", { type: "tmpfs", target: "/t", size: 4096 }]]],
  [["--hide", "/a"], [["files.hide", ["/a"]]]],
  [["--hide", ".env"], [["files.hide", ["/work/.env"]]]],
  [["--env", "A=1=2"], [["env.set", { A: "1=2" }]]],
  [["--env", "A="], [["env.set", { A: "" }]]],
  [["--env", "A=$B"], [["env.set", { A: "$B" }]]],
  [["--env", "LC_*"], [["env.pass", ["LC_*"]]]],
  [["--net", "none"], [["network.mode", "none"]]],
  [["--net", "host"], [["network.mode", "host"]]],
  [["--root", "debian"], [["root", { type: "directory", path: "/work/debian" }]]],
  [["--user", "keep"], [["user", { uid: "keep", gid: "keep" }]]],
  [["--user", "root"], [["user", { uid: "root", gid: "root" }]]],
  [["--user", "7"], [["user", { uid: 7 }]]],
  [["--user", "7:8"], [["user", { uid: 7, gid: 8 }]]],
  [["--user", "4294967294"], [["user", { uid: 4294967294 }]]],
  [["--hostname", "box"], [["hostname", "box"]]],
  [["--workdir", "/tmp"], [["workdir", "/tmp"]]],
  [["--workdir", "sub"], [["workdir", "/work/sub"]]],
  [["--timeout", "90s"], [["process.timeout", "90s"]]],
  [["--tty"], [["process.tty", "always"]]],
  [["--no-tty"], [["process.tty", "never"]]],
  [["--no-init"], [["process.init", false]]],
  [["--fd", "3"], []],
  [["--status-fd", "3"], []],
  [["--profile", "dev"], []],
];
for (const [argv, overrides] of meanings) {
  test(`${argv.join(" ")} means what the profile's keys say`, () => {
    assert.equal(readKeys(...argv), overrides);
  });
}

const refusals: [argv: string[], message: RegExp][] = [
  [["--set", "hostname"], /there is no =/],
  [["--set", "=x"], /no key before the =/],
  [["--set", "a=[1"], /not valid TOML/],
  [["--set", 'a="x'], /not valid TOML/],
  [["--bind", ""], /there is no source/],
  [["--bind", ":/b"], /there is no source/],
  [["--bind", "/a:b"], /target "b" is not an absolute path, nor is it ro or rw/],
  [["--bind", "/a:/b:rx"], /3 parts with colons/],
  [["--bind", "/a:/b:/c:ro"], /too many/],
  [["--tmpfs", "t"], /not absolute/],
  [["--tmpfs", "/t:50%"], /is not a size/],
  [["--tmpfs", "/t:1:2"], /too many colons/],
  [["--env", "=x"], /there is no name/],
  [["--net", "all"], /"all" is neither none nor host/],
  [["--root", ""], /there is no directory/],
  [["--user", "me"], /neither keep, root nor a number/],
  [["--user", "1:"], /neither keep, root nor a number/],
  [["--user", "4294967295"], /the largest is 4294967294/],
  [["--timeout", "90"], /has no unit/],
  [["--timeout", "soon"], /is not a duration/],
  [["--fd", "x"], /not the number of a file descriptor/],
  [["--fd", "2"], /always passed/],
  [["--status-fd", "0"], /standard input/],
];
for (const [argv, message] of refusals) {
  test(`${argv.join(" ")} is refused, with the form and an example`, () => {
    const option = (jailOptions as OptionTable)[argv[0]?.slice(2) ?? ""];
    assert.throws(
      () => read(...argv),
      (error) => {
        if (!(error instanceof TsjailError) || option?.type !== "string") return false;
        assert.is(error.code, "usage");
        assert.match(error.message, message);
        assert.ok(error.message.startsWith(`${argv.join(" ").trimEnd()}`), error.message);
        assert.ok(error.hint?.includes(`${argv[0]} ${option.valueHint}`), error.hint);
        assert.ok(error.hint?.includes(option.example), error.hint);
        return true;
      },
    );
  });
}

test("every option's example is itself understood", () => {
  for (const option of Object.values(jailOptions as OptionTable)) {
    if (option.type !== "string") continue;
    const { given, words } = splitArguments(option.example.split(" "), jailOptions);
    assert.is(given.length, 1, option.example);
    assert.equal(words, []);
    readJailRequest(given, "/work");
  }
});

test("the last of two profiles counts, and both of two binds", () => {
  const request = read("-p", "a", "--bind", "/a", "-p", "b", "--bind", "/b");
  assert.is(request.profile, "b");
  assert.is(request.overrides.length, 2);
});

test("--tty and --no-tty are one option: the last one counts", () => {
  assert.equal(readKeys("--tty", "--no-tty"), [["process.tty", "never"]]);
  assert.equal(readKeys("--no-tty", "--tty"), [["process.tty", "always"]]);
});

test("descriptors are numbers, each once", () => {
  const request = read("--fd", "5", "--fd", "3", "--fd", "5", "--status-fd", "9");
  assert.equal([request.passFds, request.statusFd], [[5, 3], 9]);
  assert.equal([read().passFds, read().statusFd], [[], undefined]);
});

test("an override names the option that asked for it", () => {
  assert.is(read("--bind=/a:/b").overrides[0]?.option, "--bind /a:/b");
});
