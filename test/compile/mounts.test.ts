import type { TsjailError } from "../../src/error.ts";
import * as assert from "../support/assert.ts";
import { suite } from "../support/suite.ts";
import { at, compileToml, debian, pick, quiet, text, textAt } from "./fixture.ts";

const test = suite("compile/mounts");

const mount = (type: string, rest: string) => `[[mount]]\ntype = "${type}"\n${rest}\n`;
const compile = (toml: string, host = debian) => compileToml(quiet + toml, host);

test("read is a read-only bind, write one that can be written, both without setuid and devices", () => {
  const plan = compile('files.read = ["/var/r"]\nfiles.write = ["/var/w"]');
  assert.equal(at(plan, "bind", "/var/r")?.set, ["ro", "nosuid", "nodev"]);
  assert.equal(at(plan, "bind", "/var/w")?.set, ["nosuid", "nodev"]);
  assert.equal(at(plan, "bind", "/var/w")?.flags, ["recursive"]);
  assert.is(at(plan, "bind", "/var/w")?.origin, "files.write[0] in dev.toml:3");
});

test("a bind says all it needs", () => {
  const rest =
    'source = "/dev/dri"\ntarget = "/dev/dri"\nreadonly = false\nnosuid = false\nnodev = false\nnoexec = true\noptional = true';
  const bind = at(compile(mount("bind", rest)), "bind", "/dev/dri");
  assert.equal([bind?.set, bind?.flags], [["noexec"], ["recursive", "optional"]]);
});

test("propagation is private, until one bind asks for what the host mounts later", () => {
  const quietPlan = compile('files.read = ["/var/r"]');
  assert.is(pick(quietPlan, "propagation")[0]?.mode, "private");
  assert.is(at(quietPlan, "bind", "/usr")?.propagation, "none");
  const plan = compile(
    `files.read = ["/var/r"]\n${mount("bind", 'source = "/media"\npropagation = "slave"')}`,
  );
  assert.is(pick(plan, "propagation")[0]?.mode, "slave");
  assert.is(pick(plan, "propagation")[0]?.origin, "propagation: mount[0] in dev.toml:3");
  assert.is(at(plan, "bind", "/media")?.propagation, "slave");
  for (const path of ["/usr", "/var/r"]) assert.is(at(plan, "bind", path)?.propagation, "private");
});

test("a tmpfs has its size, its inodes and its mode", () => {
  const rest = 'target = "/scratch"\nsize = "64M"\ninodes = 1000\nmode = "1777"\nnoexec = true';
  const tmpfs = at(compile(mount("tmpfs", rest)), "mount", "/scratch");
  assert.equal(tmpfs?.options, ["mode=1777", "size=67108864", "nr_inodes=1000"]);
  assert.equal(tmpfs?.set, ["nosuid", "nodev", "noexec"]);
});

test("tmpfs of [files] is for its owner, but for directories named tmp", () => {
  const plan = compile('files.tmpfs = ["/tmp", "/var/tmp", "/var/cache"]');
  assert.equal(at(plan, "mount", "/tmp")?.options, ["mode=1777"]);
  assert.equal(at(plan, "mount", "/var/tmp")?.options, ["mode=1777"]);
  assert.equal(at(plan, "mount", "/var/cache")?.options, ["mode=0755"]);
});

test("a read-only tmpfs is sealed once everything below it is in place", () => {
  const toml = mount("tmpfs", 'target = "/scratch"\nreadonly = true');
  assert.ok(at(compile(toml), "mount", "/scratch")?.set.includes("ro"));
  const plan = compile(`${toml}${mount("bind", 'source = "/var/x"\ntarget = "/scratch/x"')}`);
  assert.not.ok(at(plan, "mount", "/scratch")?.set.includes("ro"));
  const seal = plan.findIndex((each) => each.op === "attributes" && each.target === "/scratch");
  const bind = plan.findIndex((each) => each.op === "bind" && each.target === "/scratch/x");
  assert.ok(seal > bind && bind > 0);
});

test("a file is its content, or the content of a file of the host", () => {
  const plan = compile(mount("file", 'target = "/etc/motd"\ncontent = "grüß\\n"'));
  assert.is(textAt(plan, "/etc/motd"), "grüß\n");
  assert.equal(at(plan, "file", "/etc/motd")?.set, ["ro", "nosuid", "nodev"]);
  const source = mount("file", 'target = "/etc/motd"\nsource = "/srv/motd"\nmode = "0644"');
  const copied = compile(source, { ...debian, files: { "/srv/motd": text("hi") } });
  assert.is(textAt(copied, "/etc/motd"), "hi");
  assert.equal(at(copied, "file", "/etc/motd")?.set, ["nosuid", "nodev"]);
});

test("a file's source that is missing is an error, or passed over where that was said", () => {
  const toml = mount("file", 'target = "/etc/motd"\nsource = "/srv/motd"');
  assert.throws(() => compile(toml), /\/srv\/motd does not exist/);
  assert.is(at(compile(`${toml}optional = true`), "file", "/etc/motd"), undefined);
  const closed = { ...debian, files: { "/srv/motd": { kind: "unreadable", code: "EACCES" } } } as const;
  assert.throws(
    () => compile(`${toml}optional = true`, closed),
    (error) => (error as TsjailError).code === "profile_unreadable" && /EACCES/.test(error.message),
  );
});

test("a symlink is made as the profile writes it", () => {
  const plan = compile(mount("symlink", 'target = "/bin/../opt2"\nsource = "../x/y"'));
  assert.is(at(plan, "symlink", "/opt2")?.text, "../x/y");
});

test("hiding a directory at the top takes an empty directory", () => {
  const plan = compile('files.hide = ["/srv"]');
  assert.ok(at(plan, "directory", "/srv"));
  assert.is(at(plan, "hide", "/srv"), undefined);
  assert.is(at(plan, "bind", "/srv"), undefined);
});

test("hiding what is not there takes nothing, hiding a file at the top a mount", () => {
  const plan = compile('files.hide = ["/nothing", "/swapfile"]');
  assert.is(at(plan, "directory", "/nothing") ?? at(plan, "hide", "/nothing"), undefined);
  assert.ok(at(plan, "bind", "/swapfile"));
  assert.ok(at(plan, "hide", "/swapfile"));
});

test("hiding below the top takes a mount", () => {
  assert.ok(at(compile('files.hide = ["/var/secret"]'), "hide", "/var/secret"));
});

test("what is put below a hidden path has a file system in which it can be", () => {
  const plan = compile('files.hide = ["/home/ann"]\nfiles.write = ["/home/ann/project"]');
  assert.is(at(plan, "hide", "/home/ann"), undefined);
  assert.equal(at(plan, "mount", "/home/ann")?.set, ["nosuid", "nodev", "noexec"]);
  assert.equal(at(plan, "attributes", "/home/ann")?.set, ["ro"]);
  assert.ok(at(plan, "bind", "/home/ann/project"));
});

test("what is missing need not be hidden, even if something optional is wanted below it", () => {
  const toml = `files.hide = ["/var/x"]\n${mount("bind", 'source = "/var/x/y"\noptional = true')}`;
  assert.is(at(compile(toml, { ...debian, kinds: { "/var/x": "absent" } }), "mount", "/var/x"), undefined);
  assert.ok(at(compile(toml, { ...debian, kinds: { "/var/x": "directory" } }), "mount", "/var/x"));
});

test("hiding below a hidden path, or on a file system of the jail's own, takes nothing", () => {
  const plan = compile('files.hide = ["/var/a", "/var/a/b", "/tmp/x"]\nfiles.tmpfs = ["/tmp"]');
  assert.ok(at(plan, "hide", "/var/a"));
  assert.is(at(plan, "hide", "/var/a/b"), undefined);
  assert.is(at(plan, "hide", "/tmp/x"), undefined);
});

test("the stage is there when something needs it", () => {
  assert.is(pick(compile('files.hide = ["/var/secret"]'), "stage").length, 1);
  const off = ["hosts", "hostname", "resolv.conf", "passwd", "group"].map((name) =>
    mount("none", `target = "/etc/${name}"`),
  );
  assert.is(pick(compile(off.join("")), "stage").length, 0);
});
