// The files of /etc that tsjail generates: hosts, hostname, resolv.conf, passwd and group. In: what the profile says, and
// what the host or the root has.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { userInfo } from "node:os";
import * as assert from "../support/assert.ts";
import {
  attempt,
  hostPrograms,
  hostTree,
  makeDirectory,
  mount,
  removeDirectory,
  sh,
  shout,
} from "../support/jail.ts";
import { suite } from "../support/suite.ts";

const test = suite("jail: etc");
const emptyRoot = `${hostPrograms}[root]\ntype = "empty"\n`;
const read = (path: string, toml: string) => shout({ toml, command: ["cat", path] });
const { uid, gid, username } = userInfo();

test("hosts has the jail's name, the profile's hosts and localhost", async () => {
  const hosts = '[network]\nhosts = { db = "10.0.0.5", web = ["10.0.0.6", "fd00::6"] }\n';
  const lines = (await read("/etc/hosts", `hostname = "box"\n${hostTree}${hosts}`)).split("\n");
  for (const line of [
    "10.0.0.5\tdb",
    "10.0.0.6\tweb",
    "fd00::6\tweb",
    "127.0.1.1\tbox",
    "127.0.0.1\tlocalhost",
  ]) {
    assert.ok(lines.includes(line), line);
  }
});

test.needs("command:getent")("programs look names up in it", async () => {
  const toml = `${hostTree}[network]\nhosts = { db = "10.0.0.5" }\n`;
  const script = `${attempt}getent hosts db tsjail | awk '{ print $1 }'; try getent hosts absent.invalid`;
  assert.is(await shout({ toml, command: sh(script) }), "10.0.0.5\n127.0.1.1\nno\n");
});

test("hosts keeps what the host's has where the network is the host's", async () => {
  const theirs = readFileSync("/etc/hosts", "utf8");
  const inside = await read(
    "/etc/hosts",
    `${hostTree}[network]\nmode = "host"\nhosts = { db = "10.0.0.5" }\n`,
  );
  assert.ok(inside.endsWith(theirs));
  assert.match(inside, "10.0.0.5\tdb");
});

test("hostname is the jail's", async () => {
  assert.is(await read("/etc/hostname", `hostname = "box"\n${hostTree}`), "box\n");
  assert.is(await read("/etc/hostname", `hostname = "box"\n${emptyRoot}`), "box\n");
});

test("without a network there is no name server, with the host's there are the host's", async () => {
  assert.not.match(await read("/etc/resolv.conf", hostTree), /^nameserver/m);
  if (!existsSync("/etc/resolv.conf")) return;
  const theirs = readFileSync("/etc/resolv.conf", "utf8");
  assert.is(await read("/etc/resolv.conf", `${hostTree}[network]\nmode = "host"\n`), theirs);
  assert.is(await read("/etc/resolv.conf", `${emptyRoot}[network]\nmode = "host"\n`), theirs);
});

test("the profile's name servers and search domains are written to resolv.conf", async () => {
  const keys = 'dns = ["9.9.9.9", "2620:fe::fe"]\nsearch = ["example.org", "example.net"]\n';
  const expected = "nameserver 9.9.9.9\nnameserver 2620:fe::fe\nsearch example.org example.net\n";
  for (const mode of ["none", "host"]) {
    const toml = `${hostTree}[network]\nmode = "${mode}"\n${keys}`;
    assert.is(await read("/etc/resolv.conf", toml), expected);
  }
});

test("an empty root gets a user database with the command's user and nobody", async () => {
  const passwd = (await read("/etc/passwd", emptyRoot)).trim().split("\n");
  assert.equal(passwd.map((line) => line.split(":")[0]).sort(), [username, "nobody"].sort());
  assert.equal(passwd[0]?.split(":").slice(2, 4), [String(uid), String(gid)]);
  assert.is(await shout({ toml: emptyRoot, command: ["id", "-un"] }), `${username}\n`);
  const named = sh("id -un; id -gn");
  assert.is(await shout({ toml: emptyRoot, options: ["--user", "root"], command: named }), "root\nroot\n");
});

test("the host's user database is shown with its own, and gets a line for an id that it lacks", async () => {
  const theirs = readFileSync("/etc/passwd", "utf8");
  assert.is(await read("/etc/passwd", hostTree), theirs);
  const toml = `${hostTree}[user]\nuid = 43210\ngid = 43210\n`;
  const inside = await read("/etc/passwd", toml);
  assert.ok(inside.startsWith(theirs));
  assert.match(inside.slice(theirs.length), /^[^:\n]+:x:43210:43210:[^\n]*\n$/);
  assert.match(await shout({ toml, command: sh("id -un && id -gn") }), /^\w+\n\w+\n$/);
});

test("a directory's own user database is left alone where it knows the ids", async ({ cleanup }) => {
  const root = makeDirectory("etc");
  cleanup(() => removeDirectory(root));
  mkdirSync(`${root}/etc`);
  writeFileSync(`${root}/etc/passwd`, "guest:x:77:77::/:/bin/sh\n");
  writeFileSync(`${root}/etc/group`, "guests:x:77:\n");
  const options = ["--root", root, "--user", "77:77"];
  const command = sh("cat /etc/passwd; id -un; id -gn");
  const output = await shout({ toml: hostPrograms, options, command });
  assert.is(output, "guest:x:77:77::/:/bin/sh\nguest\nguests\n");
});

test("generated files can't be changed, not even by root inside, and the host's stay as they are", async () => {
  const names = ["hosts", "hostname", "resolv.conf"].map((name) => `/etc/${name}`);
  const contents = () => names.map((name) => existsSync(name) && readFileSync(name, "utf8"));
  const before = contents();
  const toml = `${hostTree}[user]\nuid = "root"\n`;
  const script = `${attempt}for name; do try sh -c 'echo x >>"$1"' sh "$name"; try rm "$name"; try test -s "$name"; done`;
  const output = await shout({ toml, command: sh(script, ...names) });
  assert.is(output, "no\nno\nyes\n".repeat(names.length));
  assert.equal(contents(), before);
});

test("a file that the profile puts in such a place is the one that counts", async () => {
  const own = mount("file", { target: "/etc/hosts", content: "mine\n" });
  assert.is(await read("/etc/hosts", hostTree + own), "mine\n");
  const bound = mount("bind", { source: "/etc/passwd", target: "/etc/hostname" });
  assert.is(await read("/etc/hostname", hostTree + bound), readFileSync("/etc/passwd", "utf8"));
});
