import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseCapabilities } from "../../src/facts/kernel.ts";
import { hostNeeds } from "../../src/host/needs.ts";
import { countListenFds, isPrivileged, readHost } from "../../src/host/read.ts";
import { loadToml } from "../compile/fixture.ts";
import * as assert from "../support/assert.ts";
import { suite } from "../support/suite.ts";

const test = suite("host/read");

const facts = { environment: { HOME: "/home/x", A: "1", B: undefined }, cwd: "/cwd" };
const read = (toml: string) => readHost(hostNeeds(loadToml(toml).profile), facts);

test("this machine is read whole", () => {
  const host = read('network.mode = "host"');
  assert.is(host.uid, process.getuid?.());
  assert.is(host.home, "/home/x");
  assert.is(host.cwd, "/cwd");
  assert.ok(host.lastCapability >= 37);
  assert.match(host.kernel, /^\d+\.\d+/);
  assert.ok(host.root.kind === "entries" && host.root.entries.some(({ name }) => name === "usr"));
  assert.is(host.rootFiles["/etc/passwd"]?.kind, "content");
  assert.ok("/etc/hosts" in host.files);
});

test("the value is frozen down to its leaves", () => {
  const host = read("");
  assert.throws(() => Object.assign(host, { home: "/" }));
  assert.throws(() => Object.assign(host.files, { "/a": { kind: "absent" } }));
  assert.throws(() => Object.assign(host.root, { kind: "absent" }));
});

test("a link in a foreign root does not lead to the host's files", ({ cleanup }) => {
  const root = mkdtempSync(join(tmpdir(), "root-"));
  cleanup(() => rmSync(root, { recursive: true }));
  mkdirSync(join(root, "etc"));
  symlinkSync("/secret/file", join(root, "etc/passwd"));
  symlinkSync("../../../../../../etc/hostname", join(root, "etc/group"));
  const toml = `root = { type = "directory", path = "${root}" }`;
  assert.equal(read(toml).rootFiles, { "/etc/passwd": { kind: "absent" }, "/etc/group": { kind: "absent" } });
  mkdirSync(join(root, "secret"));
  writeFileSync(join(root, "secret/file"), "inside");
  assert.equal(read(toml).rootFiles["/etc/passwd"], { kind: "content", content: "inside" });
});

test("a root that is not there is a fact, not an exception", () => {
  assert.equal(read('root = { type = "directory", path = "/nonexistent" }').root, { kind: "absent" });
});

test("privilege is both of the capabilities that a range of ids takes", () => {
  const has = (status: string) => isPrivileged(parseCapabilities(status));
  assert.ok(has("CapPrm:\t0000000000000000\nCapEff:\t00000000000000c0\n"));
  assert.not.ok(has("CapPrm:\t00000000000000c0\nCapEff:\t0000000000000080\n"));
  assert.not.ok(has("CapEff:\t0000000000000040\n"));
  assert.not.ok(has(""));
});

test("sockets are ours only when LISTEN_PID is us", () => {
  assert.is(countListenFds({ LISTEN_PID: "12", LISTEN_FDS: "2" }, 12), 2);
  assert.is(countListenFds({ LISTEN_PID: "12", LISTEN_FDS: "2" }, 13), 0);
  assert.is(countListenFds({ LISTEN_PID: "12", LISTEN_FDS: "x" }, 12), 0);
  assert.is(countListenFds({}, 12), 0);
});

test("sockets are read where the profile asks for them, and nothing else of the environment is kept", () => {
  const sockets = { LISTEN_PID: String(process.pid), LISTEN_FDS: "2", LISTEN_FDNAMES: "a:b" };
  const readWith = (toml: string, environment: Record<string, string>) => {
    const all = { ...environment, HOME: "/home/x", TOKEN: "a secret" };
    const host = readHost(hostNeeds(loadToml(toml).profile), { environment: all, cwd: "/cwd" });
    assert.match(JSON.stringify(host), "/home/x");
    assert.not.match(JSON.stringify(host), "a secret");
    return [host.listenFds, host.listenFdNames];
  };
  const asked = "process.listen_fds = true";
  assert.equal(readWith(asked, sockets), [2, "a:b"]);
  assert.is(readWith(asked, { ...sockets, LISTEN_PID: "1" })[0], 0);
  assert.equal(readWith(asked, {}), [0, undefined]);
  assert.equal(readWith("", sockets), [0, undefined]);
});

test("what is hidden is looked at where it really is", ({ cleanup }) => {
  const root = mkdtempSync(join(tmpdir(), "root-"));
  cleanup(() => rmSync(root, { recursive: true }));
  mkdirSync(join(root, "real"));
  symlinkSync("real", join(root, "link"));
  const { kinds, links } = read(
    `files.hide = ["/link", "/none"]\nroot = { type = "directory", path = "${root}" }`,
  );
  assert.equal([kinds[join(root, "real")], kinds[join(root, "none")]], ["directory", "absent"]);
  assert.equal(links, { [join(root, "link")]: "real" });
});

test("/etc is listed where a file is missing that tsjail generates, and never through a link", ({
  cleanup,
}) => {
  const root = mkdtempSync(join(tmpdir(), "root-"));
  cleanup(() => rmSync(root, { recursive: true }));
  const readRoot = () => read(`root = { type = "directory", path = "${root}" }`);
  assert.equal(readRoot().etc, { kind: "absent" });
  mkdirSync(join(root, "etc"));
  writeFileSync(join(root, "etc/profile"), "");
  assert.equal(readRoot().etc, { kind: "entries", entries: [{ name: "profile", kind: "file" }] });
  assert.is(readRoot().kinds[join(root, "etc/hosts")], "absent");
  for (const name of ["hosts", "hostname", "resolv.conf", "passwd", "group"]) {
    writeFileSync(join(root, "etc", name), "");
  }
  assert.equal(readRoot().etc, { kind: "absent" });
  rmSync(join(root, "etc"), { recursive: true });
  symlinkSync("/etc", join(root, "etc"));
  assert.equal(readRoot().etc, { kind: "absent" });
});
