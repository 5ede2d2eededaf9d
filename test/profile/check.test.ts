// Everything that can be wrong with a profile: named all at once, in plain words, with file and line.
import { formatError } from "../../src/error.ts";
import * as assert from "../support/assert.ts";
import { suite } from "../support/suite.ts";
import { catchError, catchMessage, makeDirectory } from "./directory.ts";

const test = suite("check");

test("all problems are named at once, each with its line, and unknown keys with the nearest", (context) => {
  const directory = makeDirectory(context, {
    "work/a.toml": `extends = "./b.toml"
hostnam = "x"
umask = "022"
zzzzzzzz = 1
[files]
raed = ["/a"]
write = ["relative", "/", "/ok"]
[process]
timeout = 5
[network]
mode = "non"
[[mount]]
type = "tmpfs"
target = "/x"
sise = 5
[[mount]]
type = "bnd"
[env.set]
A = "$NOPE/x"
B = 5`,
    "work/b.toml": "[user]\nuid = -1\n",
  });
  const error = catchError(() => directory.load("./a.toml"));
  const lines = (error.detail ?? "").split("\n");
  const expected = [
    "b.toml:2: user.uid must be a whole number from 0 to 4294967294",
    './a.toml:2: hostnam is not a key of profiles; did you mean "hostname"?',
    './a.toml:3: umask is not a key of profiles; did you mean "process.umask"?',
    "./a.toml:4: zzzzzzzz is not a key of profiles",
    './a.toml:6: files.raed is not a key of profiles; did you mean "files.read"?',
    './a.toml:7: files.write[0] must be an absolute path, not "relative" (write it from /, or as $PWD/… or ~/…)',
    "./a.toml:7: files.write[1] must not be / (the root itself is described by [root])",
    './a.toml:9: process.timeout must be a duration in quotes, such as "150ms", "10s" or "1h30m"',
    './a.toml:11: network.mode must be "none" or "host"; did you mean "none"?',
    './a.toml:15: mount[0].sise is not a key of profiles; did you mean "mount[0].size"?',
    './a.toml:17: mount[1].type must be one of "bind", "tmpfs", "overlay", "file", "symlink", "proc", "dev", "sys", "mqueue", "hide", "protect", "none"; did you mean "bind"?',
    "./a.toml:19: env.set.A uses $NOPE, which is not set",
    "./a.toml:20: env.set.B must be a string",
  ];
  assert.equal(lines, expected);
  assert.is(error.code, "profile_invalid");
});

test("a single problem is the message itself", (context) => {
  const directory = makeDirectory(context, { "work/a.toml": "\n[files]\nraed = []" });
  assert.is(
    catchMessage(() => directory.load("./a.toml")),
    'files.raed is not a key of profiles; did you mean "files.read"?\n  asked for by files.raed in ./a.toml:3',
  );
});

test("keys that contradict each other are an error, and agree otherwise", (context) => {
  const directory = makeDirectory(context);
  const pairs: [string, string, RegExp][] = [
    [
      '[namespaces]\nnet = "host"',
      '[namespaces]\nnet = "private"',
      /namespaces\.net is "host" and contradicts network\.mode/,
    ],
    ['[root]\ntype = "directory"', '[root]\ntype = "directory"\npath = "/x"', /root\.path must say which/],
    ['[root]\npath = "/x"', '[root]\ntype = "directory"\npath = "/x"', /needs root\.type = "directory"/],
    ['[root]\nwritable = "yes"', '[root]\nwritable = "no"', /root\.writable = "yes" needs/],
    [
      '[namespaces]\ntime = "host"\ntime_offsets = { boottime = "1h" }',
      '[namespaces]\ntime_offsets = { boottime = "-1h" }',
      /time_offsets needs namespaces\.time = "private"/,
    ],
    ['domainname = "x"\n[namespaces]\nuts = "host"', 'domainname = "x"', /domainname needs namespaces\.uts/],
  ];
  for (const [bad, good, message] of pairs) {
    directory.write("work/a.toml", bad);
    const error = catchError(() => directory.load("./a.toml"));
    assert.is(error.code, "profile_conflict");
    assert.match(error.message, message);
    assert.is(error.origin?.file, "./a.toml");
    directory.write("work/a.toml", good);
    assert.ok(directory.load("./a.toml"));
  }
});

test("a contradiction between two files names the later one", (context) => {
  const directory = makeDirectory(context, {
    "shipped/base.toml": '[namespaces]\nnet = "private"',
    "work/a.toml": 'extends = "base"\n[network]\nmode = "host"',
  });
  const message = catchMessage(() => directory.load("./a.toml"));
  assert.match(message, 'namespaces.net is "private" and contradicts network.mode, which is "host"');
  assert.match(message, "asked for by namespaces.net in base:2");
});

test("no namespace that a jail needs can be the host's, and the message says why", (context) => {
  const directory = makeDirectory(context, { "work/a.toml": '[namespaces]\nmount = "host"\nuser = "host"' });
  const message = catchMessage(() => directory.load("./a.toml"));
  assert.match(message, 'namespaces.mount must be "private": without its own mounts there is no jail');
  assert.match(message, 'namespaces.user must be "private": without root');
});

test("hostile keys and values are refused in plain words", (context) => {
  const directory = makeDirectory(context);
  const hostile = [
    "__proto__ = { hostname = 5 }",
    "constructor = 1",
    "[env.set]\n__proto__ = 'x'",
    "[files]\n__proto__ = ['/x']",
    'hostname = "a b"',
    'hostname = "\\u0000"',
    `hostname = "${"x".repeat(65)}"`,
    "hostname = 1979-05-27",
    "hostname = nan",
    "command = 'bash'",
    'command = ["a\\u0000b"]',
    "[files]\nread = { a = 1 }",
    "files = []",
    "files = ['a']",
    "files = 1979-05-27",
    "mount = ['a']",
    "mount = [[]]",
    "env.set = []",
    "rlimits.nofile = []",
    "mount = {}",
    "[env.set]\n'A=B' = 'x'",
    "[env.set]\n'' = 'x'",
    '[env.set]\nA = "x\\u0000"',
    `[files]\nread = ["/${"x".repeat(256)}"]`,
    `[files]\nread = ["${"/xxxxxxx".repeat(600)}"]`,
    "[rlimits]\nnofile = { soft = 2, hard = 1 }",
    "[rlimits]\nnofile = { soft = 2 }",
    "[rlimits]\nnofile = '5s'",
    "[[mount]]\ntype = 'file'\ntarget = '/x'\ncontent = 'a'\nsource = '/b'",
    "[[mount]]\ntype = 'bind'\nsource = '/'",
    "[user]\nuid = 4294967295",
    "[network]\ndns = ['1.2.3']",
    "[network]\nhosts = { 'a b' = '1.2.3.4' }",
  ];
  for (const text of hostile) {
    directory.write("work/a.toml", text);
    const error = catchError(() => directory.load("./a.toml"));
    assert.is(error.code, "profile_invalid", text);
    assert.match(formatError(error), "./a.toml:", text);
    assert.not.match(formatError(error), /undefined|\[object|Invalid (type|input)|Expected/, text);
  }
  assert.is(({} as Record<string, unknown>).hostname, undefined);
});

test("a home directory that is the root is an error with a way out", (context) => {
  const directory = makeDirectory(context, { "work/a.toml": '[files]\ntmpfs = ["~"]' });
  directory.environment.HOME = "/";
  assert.match(
    catchMessage(() => directory.load("./a.toml")),
    "HOME=/tmp/home tsjail",
  );
  directory.environment.HOME = "/tmp/home";
  assert.equal(directory.load("./a.toml").profile.files.tmpfs, ["/tmp/home"]);
});

test("a hundred problems are counted, not all listed", (context) => {
  const text = Array.from({ length: 100 }, (_, index) => `zz${index}q = 1`).join("\n");
  const error = catchError(() => makeDirectory(context, { "work/a.toml": text }).load("./a.toml"));
  assert.match(error.message, "has 100 problems");
  assert.is(error.detail?.split("\n").length, 51);
});

test("a large profile loads in a moment", { timeLimit: 10 }, (context) => {
  const mounts = Array.from(
    { length: 5000 },
    (_, index) => `[[mount]]\ntype = "tmpfs"\ntarget = "/t${index}"`,
  );
  const { profile, origin } = makeDirectory(context, { "work/a.toml": mounts.join("\n") }).load("./a.toml");
  assert.is(profile.mount.length, 5000);
  assert.is(origin("mount[4999].target").line, 15_000);
});
