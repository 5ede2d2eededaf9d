import { findAccount, findByName, findGroup, hasName, readIdentity } from "../../src/host/identity.ts";
import * as assert from "../support/assert.ts";
import { suite } from "../support/suite.ts";

const test = suite("host/identity");

const passwd =
  "# comment\nroot:x:0:0:root:/root:/bin/bash\n\nbroken\nann:x:1000:100:Ann,,,:/home/ann:/bin/zsh\nbare:x:7:7:::\n";

test("the first account of a number is found", () => {
  const ann = { name: "ann", uid: 1000, gid: 100, home: "/home/ann", shell: "/bin/zsh" };
  assert.equal(findAccount(passwd, 1000), ann);
  assert.is(findAccount(`${passwd}other:x:1000:1::/x:/y\n`, 1000)?.name, "ann");
  assert.is(findAccount(passwd, 1001), undefined);
  assert.is(findAccount(undefined, 0), undefined);
});

test("empty fields get what the system gives them", () => {
  assert.equal(findAccount(passwd, 7), { name: "bare", uid: 7, gid: 7, home: "/", shell: "/bin/sh" });
});

test("what is no id, or can be no variable, is no account", () => {
  const good = "zero:x:0:0::/good:/bin/sh\n";
  for (const bad of ["x:x:0:none::/", "x:x:0:4294967295::/", "x:x:0:-5::/", "x:x:0:1e3::/", "x:x:0:::/"])
    assert.is(findAccount(`${bad}:/bin/sh\n${good}`, 0)?.home, "/good", bad);
  for (const bad of ["x:x: :0::/", "x:x:0x0:0::/", "x:x::0::/", "x:x:0:0::/a\0b"])
    assert.is(findAccount(`${bad}:/bin/sh\n${good}`, 0)?.home, "/good", bad);
  assert.is(findAccount(good, 0)?.home, "/good");
  assert.is(findByName("a:x:4294967295:\na:x:7:\n", "a"), 7);
  assert.is(findGroup("a:x: :\nb:x:0:\n", 0), "b");
});

test("groups and names are found", () => {
  assert.is(findGroup("tty:x:5:\nann:x:1000:ann\n", 1000), "ann");
  assert.is(findGroup("tty:x:5:\n", 1000), undefined);
  assert.ok(hasName(passwd, "ann"));
  assert.not.ok(hasName(passwd, "an"));
});

test("the file knows the caller first, then the name service, then the environment", () => {
  assert.is(readIdentity(passwd, 1000, {}).name, "ann");
  const uid = process.getuid?.() ?? 0;
  const identity = readIdentity("", uid, { USER: "env", HOME: "/h", SHELL: "/s" });
  assert.is(identity.uid, uid);
  assert.ok(identity.name.length > 0 && identity.home.startsWith("/"));
});
