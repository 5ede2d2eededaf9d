// Whole profiles: extends, layers, merging and origins. What is wrong with profiles is in check.test.ts.
import { symlinkSync } from "node:fs";
import { join } from "node:path";
import * as assert from "../support/assert.ts";
import { suite } from "../support/suite.ts";
import { catchError, catchMessage, makeDirectory } from "./directory.ts";

const test = suite("load");

test("a profile without keys has all defaults", (context) => {
  const { profile, name, inputs } = makeDirectory(context, { "work/a.toml": "" }).load("./a.toml");
  assert.is(name, "./a.toml");
  assert.is(inputs.length, 1);
  assert.is(profile.hostname, "tsjail");
  assert.is(profile.network.mode, "none");
  assert.is(profile.namespaces.net, undefined);
  assert.is(profile.env.clear, true);
  assert.is(profile.process.kill_after, 5000);
  assert.equal(profile.security, {
    capabilities: [],
    no_new_privs: true,
    seccomp: "default",
    syscalls: {},
    landlock: "auto",
  });
});

test("values come out in the units of compile", (context) => {
  const text = `
    [process]
    timeout = "1h30m"
    umask = "022"
    [rlimits]
    as = "4G"
    nofile = { soft = 10, hard = "unlimited" }
    cpu = "1500ms"
    rttime = "1s"
    [security]
    capabilities = ["net_bind_service", "CAP_KILL"]
    [[mount]]
    type = "tmpfs"
    target = "/a//b/./c/../d/"
    size = "1K"
    [[mount]]
    type = "bind"
    source = "~/x"
    [network]
    hosts = { one = "127.0.0.1", two = ["::1", "10.0.0.1"] }`;
  const directory = makeDirectory(context, { "work/a.toml": text });
  const { profile } = directory.load("./a.toml");
  assert.is(profile.process.timeout, 5_400_000);
  assert.is(profile.process.umask, 0o22);
  assert.equal(profile.rlimits.as, { soft: 2 ** 32, hard: 2 ** 32 });
  assert.equal(profile.rlimits.nofile, { soft: 10, hard: "unlimited" });
  assert.equal(profile.rlimits.cpu, { soft: 2, hard: 2 });
  assert.equal(profile.rlimits.rttime, { soft: 1e6, hard: 1e6 });
  assert.equal(profile.security.capabilities, ["CAP_NET_BIND_SERVICE", "CAP_KILL"]);
  const [tmpfs, bind] = profile.mount;
  assert.ok(
    tmpfs?.type === "tmpfs" && tmpfs.target === "/a/b/d" && tmpfs.size === 1024 && tmpfs.mode === 0o755,
  );
  const home = join(directory.path, "home");
  assert.ok(
    bind?.type === "bind" && bind.source === `${home}/x` && bind.target === `${home}/x` && bind.readonly,
  );
  assert.equal(profile.network.hosts, { one: ["127.0.0.1"], two: ["::1", "10.0.0.1"] });
});

test("layers are merged: tables by key, paths joined, other lists replaced, the later one wins", (context) => {
  const directory = makeDirectory(context, {
    "shipped/base.toml": `hostname = "base"
command = ["one", "two"]
[files]
tmpfs = ["/tmp", "/run"]
[env]
pass = ["A"]
[env.set]
X = "base"
Y = "base"
[rlimits]
nofile = { soft = 1, hard = 2 }
[[mount]]
type = "proc"`,
    "work/a.toml": `extends = "base"
hostname = "a"
command = ["three"]
[files]
tmpfs = ["/run", "/var/tmp"]
[env]
pass = ["B", "A"]
set = { X = "a" }
[rlimits]
nofile = 5
[[mount]]
type = "proc"
[[mount]]
type = "sys"`,
  });
  const { profile, origin, inputs } = directory.load("a.toml");
  assert.is(profile.hostname, "a");
  assert.equal(profile.command, ["three"]);
  assert.equal(profile.files.tmpfs, ["/tmp", "/run", "/var/tmp"]);
  assert.equal(profile.env.pass, ["A", "B"]);
  assert.equal(profile.env.set, { X: "a", Y: "base" });
  assert.equal(profile.rlimits.nofile, { soft: 5, hard: 5 });
  assert.equal(
    profile.mount.map(({ type }) => type),
    ["proc", "sys"],
  );
  assert.equal(inputs, [join(directory.path, "work/a.toml"), join(directory.path, "shipped/base.toml")]);

  assert.equal(origin("hostname"), { file: "a.toml", key: "hostname", line: 2, column: 1, layer: 1 });
  assert.equal(origin("env.set.Y"), { file: "base", key: "env.set.Y", line: 9, column: 1, layer: 0 });
  assert.equal(origin("files.tmpfs[0]"), {
    file: "base",
    key: "files.tmpfs[0]",
    line: 4,
    column: 10,
    layer: 0,
  });
  assert.is(origin("files.tmpfs[1]").layer, 1, "who said it last is who wins");
  assert.equal(origin("files.tmpfs[2]"), {
    file: "a.toml",
    key: "files.tmpfs[1]",
    line: 5,
    column: 18,
    layer: 1,
  });
  assert.equal(origin("mount[1].target"), { file: "a.toml", key: "mount[1]", line: 13, column: 1, layer: 1 });
  assert.is(origin("rlimits.nofile.soft").file, "a.toml");
  assert.equal(origin("process.umask"), { file: "default", key: "process.umask", layer: -1 });
  assert.is(origin("files").file, "a.toml");
});

test("several profiles can be extended, each counts once, and none twice", (context) => {
  const directory = makeDirectory(context, {
    "work/a.toml": 'extends = ["./b.toml", "c.toml"]',
    "work/b.toml": 'extends = "base"\nhostname = "b"\n[files]\nread = ["/b"]',
    "work/c.toml": 'extends = ["base", "./sub/d.toml"]\n[files]\nread = ["/c"]',
    "work/sub/d.toml": '[files]\nread = ["/d"]\n',
  });
  const { profile, origin, inputs } = directory.load("./a.toml");
  assert.equal(profile.files.read, ["/b", "/d", "/c"]);
  assert.is(profile.hostname, "b");
  assert.equal(
    [0, 1, 2].map((index) => origin(`files.read[${index}]`).layer),
    [1, 2, 3],
  );
  assert.is(inputs.length, 5);
});

test("a profile that extends itself is an error that shows the way round", (context) => {
  const directory = makeDirectory(context, {
    "work/a.toml": 'extends = "./b.toml"',
    "work/b.toml": '\nextends = ["base", "./link.toml"]',
  });
  symlinkSync("a.toml", join(directory.path, "work/link.toml"));
  const error = catchError(() => directory.load("./a.toml"));
  assert.is(error.code, "profile_cycle");
  assert.match(error.message, "./a.toml extends itself: ./a.toml → b.toml → link.toml");
  assert.is(error.origin?.key, "extends[1]");
  directory.write("work/b.toml", "");
  assert.ok(directory.load("./a.toml"));
});

test("an extended profile that is missing is an error with its key and line", (context) => {
  const directory = makeDirectory(context, {
    "work/a.toml": '# x\nextends = ["bse", "./none.toml", 5]',
    "work/dev.toml": "",
  });
  const message = catchMessage(() => directory.load("./a.toml"));
  assert.match(message, "The profile ./a.toml has 3 problems.");
  assert.match(message, './a.toml:2: There is no profile "bse". Did you mean "base"?');
  assert.match(message, './a.toml:2: There is no profile "./none.toml"');
  assert.match(message, "./a.toml:2: extends[2] must be the name or the path of a profile");
  directory.write("work/b.toml", 'extends = "dev"');
  assert.match(
    catchMessage(() => directory.load("./b.toml")),
    'written as a path: "./dev.toml"',
  );
});

test("the variables that a profile uses are listed", (context) => {
  const directory = makeDirectory(context, { "work/a.toml": '[env.set]\nA = "$USER ${NOPE:-x}"' });
  assert.equal([...directory.load("./a.toml").variables].sort(), ["NOPE", "USER"]);
});
