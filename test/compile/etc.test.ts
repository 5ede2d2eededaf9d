import * as assert from "../support/assert.ts";
import { suite } from "../support/suite.ts";
import { at, compileToml, debian, hosts, quiet, text, textAt } from "./fixture.ts";

const test = suite("compile/etc");

const compile = (toml: string, host = debian) => compileToml(quiet + toml, host);
const onHost = 'network.mode = "host"\n';
/** For what must be there. */
const need = (plan: ReturnType<typeof compile>, path: string) => textAt(plan, path) ?? "(no such file)";
const empty = 'root.type = "empty"\nfiles.read = ["/usr"]\n';

test("names inside are the jail's", () => {
  const plan = compile(
    'hostname = "box"\n[network.hosts]\n"b.test" = "10.0.0.2"\n"a.test" = ["10.0.0.1", "::1"]',
  );
  assert.is(textAt(plan, "/etc/hostname"), "box\n");
  assert.is(
    textAt(plan, "/etc/hosts"),
    "10.0.0.1\ta.test\n::1\ta.test\n10.0.0.2\tb.test\n127.0.1.1\tbox\n127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\n",
  );
});

test("with a domain the full name comes first", () => {
  assert.match(
    need(compile('hostname = "box"\ndomainname = "lan"'), "/etc/hosts"),
    "127.0.1.1\tbox.lan box\n",
  );
});

test("generated files are read-only, and passed over where there is no place for them", () => {
  const file = at(compile(""), "file", "/etc/hosts");
  assert.equal([file?.mode, file?.flags, file?.set], [0o444, ["optional"], ["ro", "nosuid", "nodev"]]);
});

test("with the host's network its names are kept, after the jail's", () => {
  const plan = compile(onHost);
  assert.is(textAt(plan, "/etc/hosts"), "127.0.1.1\ttsjail\n127.0.0.1\tlocalhost\n192.0.2.7\tnas\n");
  assert.is(textAt(plan, "/etc/resolv.conf"), undefined);
});

test("with the host's name and network nothing has to be generated", () => {
  const plan = compile(`${onHost}namespaces.uts = "host"`);
  for (const path of ["/etc/hosts", "/etc/hostname", "/etc/resolv.conf"])
    assert.is(textAt(plan, path), undefined);
});

test("without a network there is no server to ask", () => {
  assert.match(need(compile(""), "/etc/resolv.conf"), /^# No network/);
  assert.not.match(textAt(compile(""), "/etc/resolv.conf") ?? "", /nameserver/);
});

test("servers and domains of the profile win", () => {
  const dns = 'network.dns = ["9.9.9.9", "::1"]\nnetwork.search = ["a.test", "b.test"]\n';
  const want = "nameserver 9.9.9.9\nnameserver ::1\nsearch a.test b.test\n";
  assert.is(textAt(compile(dns), "/etc/resolv.conf"), want);
  assert.is(textAt(compile(onHost + dns), "/etc/resolv.conf"), want);
});

test("domains alone keep the host's servers", () => {
  const plan = compile(`${onHost}network.search = ["a.test"]`);
  assert.is(textAt(plan, "/etc/resolv.conf"), "nameserver 192.0.2.53\nsearch a.test\n");
});

test("on Ubuntu the file is put where the link leads", () => {
  const path = "/run/systemd/resolve/stub-resolv.conf";
  assert.match(need(compile("", hosts.ubuntu), path), /^# No network/);
  assert.is(textAt(compile("", hosts.ubuntu), "/etc/resolv.conf"), undefined);
  assert.is(textAt(compile(onHost, hosts.ubuntu), path), undefined);
  const hidden = compile(`${onHost}files.tmpfs = ["/run"]`, hosts.ubuntu);
  assert.is(textAt(hidden, path), "nameserver 127.0.0.53\n");
  assert.is(textAt(compile(`${onHost}files.hide = ["/run"]`, hosts.ubuntu), path), "nameserver 127.0.0.53\n");
});

test("what the profile puts there itself stays", () => {
  const own = '[[mount]]\ntype = "file"\ntarget = "/etc/hosts"\ncontent = "own"\n';
  assert.is(textAt(compile(own), "/etc/hosts"), "own");
  const read = compile('files.read = ["/etc/resolv.conf"]');
  assert.is(textAt(read, "/etc/resolv.conf"), undefined);
  const none = compile('[[mount]]\ntype = "none"\ntarget = "/etc/resolv.conf"\n');
  assert.is(textAt(none, "/etc/resolv.conf"), undefined);
});

test("an account that the root knows needs no line", () => {
  for (const toml of ["", 'user = { uid = "root", gid = "root" }']) {
    assert.is(textAt(compile(toml), "/etc/passwd"), undefined);
    assert.is(textAt(compile(toml), "/etc/group"), undefined);
  }
});

test("one that it does not know is added to the root's own", () => {
  const plan = compile("user = { uid = 4711, gid = 4712 }");
  assert.match(
    need(plan, "/etc/passwd"),
    /^root:x:0:0:[\s\S]*\nuser4711:x:4711:4712::\/home\/ann:\/bin\/bash\n$/,
  );
  assert.match(need(plan, "/etc/group"), /^root:x:0:\n[\s\S]*\nuser4711:x:4712:\n$/);
});

test("a caller whom only a name service knows keeps the name", () => {
  const host = { ...debian, uid: 5000, gid: 5000, user: "ldap.ann" };
  const plan = compile("", host);
  assert.match(need(plan, "/etc/passwd"), /\nldap\.ann:x:5000:5000::\/home\/ann:\/bin\/bash\n$/);
  assert.match(need(compile("", { ...host, user: "ann" }), "/etc/passwd"), /\nuser5000:x:5000/);
  assert.match(need(compile("", { ...host, user: "a:b\n" }), "/etc/passwd"), /\nuser5000:x:5000/);
});

test("a path that would break the line is left out", () => {
  const host = { ...debian, uid: 5000, user: "x", home: "/a:b", shell: "/bin/sh\n0" };
  assert.match(need(compile("", host), "/etc/passwd"), /\nx:x:5000:1000::\/:\/bin\/sh\n$/);
});

test("an empty root gets an account and nobody", () => {
  const plan = compile(empty, { ...debian, root: { kind: "absent" }, rootFiles: {}, links: {} });
  assert.is(
    textAt(plan, "/etc/passwd"),
    "ann:x:1000:1000::/:/bin/sh\nnobody:x:65534:65534::/:/sbin/nologin\n",
  );
  assert.is(textAt(plan, "/etc/group"), "ann:x:1000:\nnogroup:x:65534:\n");
  assert.ok(textAt(plan, "/etc/hosts"));
});

test("another directory's user database is not touched", () => {
  const toml = 'user.uid = 4711\n[[mount]]\ntype = "bind"\nsource = "/srv/etc"\ntarget = "/etc"\n';
  assert.is(textAt(compile(toml), "/etc/passwd"), undefined);
  assert.ok(textAt(compile(toml), "/etc/hosts"));
});

test("a user database that can't be read is not replaced, an absent one is made", () => {
  const closed = { ...debian, rootFiles: { "/etc/passwd": { kind: "unreadable", code: "EACCES" } } } as const;
  assert.is(textAt(compile("user.uid = 4711", closed), "/etc/passwd"), undefined);
  const absent = { ...debian, rootFiles: { "/etc/passwd": { kind: "absent" } } } as const;
  assert.is(
    textAt(compile("user.uid = 4711", absent), "/etc/passwd"),
    "user4711:x:4711:1000::/home/ann:/bin/bash\n",
  );
});

test("a last line without its end gets one", () => {
  const host = {
    ...debian,
    rootFiles: { ...debian.rootFiles, "/etc/passwd": text("root:x:0:0::/root:/bin/sh") },
  };
  assert.match(need(compile("user.uid = 4711", host), "/etc/passwd"), /\/bin\/sh\nuser4711:/);
});
