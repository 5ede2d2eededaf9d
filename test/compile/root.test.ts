import * as assert from "../support/assert.ts";
import { suite } from "../support/suite.ts";
import { at, compileToml, debian, entries, hosts, pick, quiet } from "./fixture.ts";

const test = suite("compile/root");

const mount = (type: string, rest: string) => `[[mount]]\ntype = "${type}"\n${rest}\n`;

test("the host's tree is a tmpfs with a read-only bind for each directory", () => {
  const plan = compileToml(quiet);
  assert.equal(pick(plan, "root_tmpfs")[0]?.options, ["mode=0755"]);
  const usr = at(plan, "bind", "/usr");
  assert.equal(usr, {
    op: "bind",
    origin: "root.type in default",
    source: "/usr",
    target: "/usr",
    flags: ["recursive", "nofollow", "directory"],
    set: ["ro", "nosuid", "nodev"],
    propagation: "none",
  });
  assert.ok(at(plan, "bind", "/swapfile")?.flags.includes("file"));
  assert.equal(pick(plan, "attributes").at(-1)?.target, "/");
  assert.equal(pick(plan, "attributes").at(-1)?.set, ["ro"]);
});

test("merged /usr comes as the links it is made of", () => {
  const plan = compileToml(quiet);
  assert.is(at(plan, "symlink", "/bin")?.text, "usr/bin");
  assert.is(at(plan, "bind", "/bin"), undefined);
});

test("without merged /usr they are directories", () => {
  const plan = compileToml(quiet, hosts.unmerged);
  assert.is(at(plan, "bind", "/bin")?.source, "/bin");
  assert.is(pick(plan, "symlink").length, 0);
});

test("the host's proc, dev and sys never show", () => {
  const plan = compileToml(quiet);
  for (const path of ["/proc", "/dev", "/sys"]) assert.is(at(plan, "bind", path), undefined);
});

test("what is neither directory, file nor link is left out", () => {
  const root = { kind: "entries", entries: [{ name: "socket", kind: "other" }, ...entries("usr")] } as const;
  const plan = compileToml(quiet, { ...debian, root });
  assert.is(at(plan, "bind", "/socket"), undefined);
  assert.ok(at(plan, "bind", "/usr"));
});

test("a top-level entry that a mount replaces costs no bind, unless the mount is optional", () => {
  const tmpfs = compileToml(`${quiet}files.tmpfs = ["/tmp"]`);
  assert.is(at(tmpfs, "bind", "/tmp"), undefined);
  assert.ok(at(tmpfs, "mount", "/tmp"));
  const bind = (optional: boolean) =>
    compileToml(quiet + mount("bind", `source = "/srv/x"\ntarget = "/opt"\noptional = ${optional}`));
  assert.is(at(bind(false), "bind", "/opt")?.source, "/srv/x");
  assert.is(pick(bind(true), "bind").filter(({ target }) => target === "/opt").length, 2);
});

test("a new top-level mount point needs nothing of the host", () => {
  const plan = compileToml(`${quiet}${mount("bind", 'source = "/srv/x"\ntarget = "/work"')}`);
  assert.ok(at(plan, "bind", "/work"));
  assert.is(pick(plan, "mount_point").length, 0);
});

test("an empty root has what the profile puts there", () => {
  const plan = compileToml(`${quiet}root.type = "empty"\nfiles.read = ["/usr"]`, {
    ...debian,
    root: { kind: "absent" },
  });
  assert.equal(
    pick(plan, "bind").map(({ target }) => target),
    ["/usr"],
  );
  assert.is(pick(plan, "root_tmpfs").length, 1);
});

test("a read-only directory is assembled from its own entries", () => {
  const host = {
    ...debian,
    root: { kind: "entries", entries: entries("usr etc", { bin: "usr/bin" }) },
  } as const;
  const plan = compileToml(`${quiet}root = { type = "directory", path = "/srv/debian" }`, host);
  assert.is(at(plan, "bind", "/usr")?.source, "/srv/debian/usr");
  assert.is(at(plan, "symlink", "/bin")?.text, "usr/bin");
});

const writable = `${quiet}root = { type = "directory", path = "/srv/debian", writable = "yes" }\n`;

test("a writable directory is bound as it is, and missing mount points are made on the host", () => {
  const host = { ...debian, kinds: { "/srv/file": "file", "/srv/x": "directory" } } as const;
  const plan = compileToml(
    writable +
      mount("proc", "") +
      mount("bind", 'source = "/srv/file"\ntarget = "/work/file"') +
      mount("bind", 'source = "/srv/x"\ntarget = "/tree"') +
      mount("tmpfs", 'target = "/tree/below"') +
      mount("hide", 'target = "/root"'),
    host,
  );
  assert.equal(pick(plan, "root_bind")[0]?.source, "/srv/debian");
  assert.is(pick(plan, "root_tmpfs").length, 0);
  assert.is(at(plan, "attributes", "/"), undefined);
  const points = pick(plan, "mount_point").map(({ target, kind }) => `${kind} ${target}`);
  assert.equal(
    points.filter((point) => !point.includes("/etc/")),
    ["directory /etc", "directory /proc", "directory /tree", "directory /work", "file /work/file"],
  );
  assert.ok(points.includes("file /etc/hosts"));
});

test("a root that is not there is an error that says so", () => {
  const toml = `${quiet}root = { type = "directory", path = "/srv/none" }`;
  assert.throws(
    () => compileToml(toml, { ...debian, root: { kind: "absent" } }),
    /\/srv\/none does not exist/,
  );
  const closed = { kind: "unreadable", code: "EACCES" } as const;
  assert.throws(() => compileToml(toml, { ...debian, root: closed }), /can't be listed \(EACCES\)/);
});
