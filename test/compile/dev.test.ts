import * as assert from "../support/assert.ts";
import { suite } from "../support/suite.ts";
import { at, compileToml, debian, hosts, pick } from "./fixture.ts";

const test = suite("compile/dev");

const dev = '[[mount]]\ntype = "dev"\n';
const index = (plan: readonly { op: string }[], op: string) => plan.findIndex((each) => each.op === op);

test("six devices are bound, their numbers named", () => {
  const devices = pick(compileToml(dev), "device").map(
    (each) => `${each.source} ${each.major}:${each.minor}`,
  );
  assert.equal(devices, [
    "/dev/null 1:3",
    "/dev/zero 1:5",
    "/dev/full 1:7",
    "/dev/random 1:8",
    "/dev/urandom 1:9",
    "/dev/tty 5:0",
  ]);
});

test("links, terminals, shared memory and queues are there, and the whole is sealed in the end", () => {
  const plan = compileToml(dev);
  assert.is(at(plan, "symlink", "/dev/fd")?.text, "/proc/self/fd");
  assert.is(at(plan, "symlink", "/dev/ptmx")?.text, "pts/ptmx");
  assert.equal(at(plan, "mount", "/dev/pts")?.options, ["newinstance", "ptmxmode=0666", "mode=0620"]);
  assert.equal(at(plan, "mount", "/dev/shm")?.options, ["mode=1777"]);
  const limited = compileToml(`${dev}size = "64M"\ninodes = 100\n`);
  const limits = ["mode=1777", "size=67108864", "nr_inodes=100"];
  assert.equal(at(limited, "mount", "/dev/shm")?.options, limits);
  assert.is(at(plan, "mount", "/dev/mqueue")?.fstype, "mqueue");
  const [pty] = pick(plan, "pty");
  assert.equal([pty?.ptmx, pty?.console], ["/dev/pts/ptmx", "/dev/console"]);
  assert.ok(
    plan.findIndex((each) => each.op === "attributes" && each.target === "/dev") > index(plan, "pty"),
  );
  assert.is(pick(plan, "device")[0]?.origin, "mount type dev: mount[0] in dev.toml:1");
});

test("terminals belong to the group tty where it is mapped", () => {
  const map = "[user]\nmap = [{ inside = 0, outside = 0, count = 100 }]\n";
  assert.ok(at(compileToml(map + dev, hosts.root), "mount", "/dev/pts")?.options.includes("gid=5"));
  assert.not.ok(at(compileToml(dev, hosts.root), "mount", "/dev/pts")?.options.includes("gid=5"));
  assert.ok(at(compileToml(dev, { ...debian, gid: 5 }), "mount", "/dev/pts")?.options.includes("gid=5"));
});

test("what the profile wants below /dev is left to it", () => {
  const toml = `${dev}[[mount]]\ntype = "bind"\nsource = "/dev/shm"\nreadonly = false\n[[mount]]\ntype = "none"\ntarget = "/dev/mqueue"\n`;
  const plan = compileToml(toml);
  assert.is(at(plan, "mount", "/dev/shm"), undefined);
  assert.equal(at(plan, "bind", "/dev/shm")?.set, ["nosuid", "nodev"]);
  assert.is(at(plan, "mount", "/dev/mqueue"), undefined);
});

test("queues of the host's ipc namespace are not mounted, and bound where they were asked for", () => {
  const host = 'namespaces.ipc = "host"\n';
  assert.is(at(compileToml(host + dev), "mount", "/dev/mqueue"), undefined);
  const asked = compileToml(`${host}process.tty = "never"\n[[mount]]\ntype = "mqueue"\n`);
  assert.is(at(asked, "bind", "/dev/mqueue")?.source, "/dev/mqueue");
  const own = compileToml('process.tty = "never"\n[[mount]]\ntype = "mqueue"\n');
  assert.is(at(own, "mount", "/dev/mqueue")?.fstype, "mqueue");
});

test("without a wish for a terminal there is no pty", () => {
  assert.is(pick(compileToml(`process.tty = "never"\n${dev}`), "pty").length, 0);
  assert.is(pick(compileToml(`process.tty = "always"\n${dev}`), "pty").length, 1);
});

test("of two the one at /dev has the terminal", () => {
  const plan = compileToml(`[[mount]]\ntype = "dev"\ntarget = "/a"\n${dev}`);
  assert.equal(
    pick(plan, "pty").map(({ console }) => console),
    ["/dev/console"],
  );
});

test("a terminal that is asked for without a /dev is a conflict", () => {
  assert.throws(() => compileToml('process.tty = "always"'), /no \/dev/);
  for (const tty of ["auto", "never"]) assert.not.throws(() => compileToml(`process.tty = "${tty}"`));
});
