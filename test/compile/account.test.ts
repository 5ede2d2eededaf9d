import { findInsideAccount } from "../../src/compile/account.ts";
import * as assert from "../support/assert.ts";
import { suite } from "../support/suite.ts";
import { debian, hosts, resolveToml, text } from "./fixture.ts";

const test = suite("compile/account");

const account = (toml: string, host = debian) => findInsideAccount(...resolveToml(toml, host));
const directory = 'root = { type = "directory", path = "/srv/debian" }\n';
const image = {
  ...debian,
  rootFiles: { "/etc/passwd": text("root:x:0:0::/root:/bin/sh\napp:x:33:33::/srv/app:/bin/dash\n") },
};

test("on the host's tree the caller is at home", () => {
  assert.equal(account(""), { name: "ann", home: "/home/ann", shell: "/bin/bash" });
  assert.equal(account("", hosts.alpine), { name: "ann", home: "/home/ann", shell: "/bin/ash" });
  assert.equal(account('user.uid = "root"'), { name: "root", home: "/home/ann", shell: "/bin/bash" });
});

test("in another root its own user database counts", () => {
  assert.equal(account(`${directory}user.uid = 33`, image), {
    name: "app",
    home: "/srv/app",
    shell: "/bin/dash",
  });
  assert.equal(account(directory, image), { name: "ann", home: "/", shell: "/bin/sh" });
});

test("in another root the caller's home counts where the profile puts something there", () => {
  for (const files of ['tmpfs = ["/home/ann"]', 'write = ["/home/ann/project"]', 'read = ["/home"]']) {
    assert.is(account(`${directory}[files]\n${files}`, image).home, "/home/ann");
  }
  assert.is(account(`${directory}[files]\ntmpfs = ["/home"]`, image).home, "/");
});

test("a number that nobody has gets a name that nobody has", () => {
  assert.is(account("user.uid = 4711").name, "user4711");
  const foreign = { ...image, rootFiles: { "/etc/passwd": text("ann:x:7:7::/:/bin/sh\n") } };
  assert.is(account(directory, foreign).name, "user1000");
  assert.is(account(`${directory}user.uid = "root"`, foreign).name, "root");
});

test("a HOME that the profile sets is the home", () => {
  assert.is(account('env.set.HOME = "/home/ci"').home, "/home/ci");
  assert.is(account(`${directory}env.set.HOME = "/home/ci"`, image).home, "/home/ci");
  assert.is(account('env.set.HOME = "relative"').home, "/home/ann");
});
