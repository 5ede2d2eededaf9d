import { listRules } from "../../src/compile/rights.ts";
import type { Operation } from "../../src/plan/operations.ts";
import * as assert from "../support/assert.ts";
import { suite } from "../support/suite.ts";

const test = suite("compile/rights");
const origin = "a test";

type Set = Extract<Operation, { op: "bind" }>["set"];
const root: Operation = { op: "root_tmpfs", origin, options: [] };
const bind = (target: string, ...set: Set): Operation => ({
  ...{ op: "bind", origin, source: target, target, flags: [], propagation: "none" },
  set: ["nosuid", "nodev", ...set],
});
const tmpfs = (target: string, ...set: Set): Operation => ({
  ...{ op: "mount", origin, fstype: "tmpfs", target, options: [], flags: [] },
  set: ["nosuid", "nodev", ...set],
});
const seal = (target: string, recursive = false): Operation => ({
  ...{ op: "attributes", origin, target, flags: recursive ? ["recursive"] : [], set: ["ro"] },
});

/** "/: r", "/usr: x", … */
function rules(...tree: Operation[]): string[] {
  return listRules([...tree]).map(({ path, rights }) => {
    const has = (right: string, letter: string) => (rights.some((each) => each === right) ? letter : "");
    const letters = [has("read_file", "r"), has("make_reg", "w"), has("execute", "x"), has("ioctl_dev", "d")];
    return `${path}: ${letters.join("")}`;
  });
}

test("what is writable has a rule of its own, and what is read-only is below the root's", () => {
  assert.equal(rules(root, bind("/usr", "ro"), bind("/home/a"), seal("/")), ["/: rx", "/home/a: wx"]);
});

test("where nothing can be written and executed, noexec counts", () => {
  const tree = [root, bind("/usr", "ro"), bind("/data", "ro", "noexec"), tmpfs("/tmp", "noexec"), seal("/")];
  assert.equal(rules(...tree), ["/: r", "/tmp: w", "/usr: x"]);
  assert.equal(rules(...tree, tmpfs("/dev/shm", "noexec")), ["/: r", "/tmp: w", "/usr: x", "/dev/shm: w"]);
  // A place where it can be makes it moot, and so does having none but those of the kernel.
  assert.equal(rules(...tree, tmpfs("/var/tmp")), ["/: rx", "/tmp: w", "/var/tmp: wx"]);
  assert.equal(rules(root, bind("/usr", "ro"), tmpfs("/dev/shm", "noexec"), seal("/")), [
    "/: rx",
    "/dev/shm: w",
  ]);
});

test("a place below one that has the same rights needs no rule", () => {
  assert.equal(rules(root, tmpfs("/home"), bind("/home/a"), bind("/home/b", "ro"), seal("/")), [
    "/: rx",
    "/home: wx",
  ]);
});

test("a root that can be written has one rule", () => {
  const directory: Operation = { op: "root_bind", origin, source: "/srv/debian", set: ["nosuid", "nodev"] };
  assert.equal(rules(directory, tmpfs("/tmp")), ["/: rwx"]);
  assert.equal(rules({ ...directory, set: ["nosuid", "nodev", "ro"] }, tmpfs("/tmp")), ["/: rx", "/tmp: wx"]);
});

test("what is closed in the end is not writable, unless something below is", () => {
  assert.equal(rules(root, tmpfs("/a", "noexec"), seal("/a"), seal("/")), ["/: rx"]);
  const below = [root, tmpfs("/a", "noexec"), tmpfs("/a/b", "noexec"), seal("/a"), seal("/")];
  assert.equal(rules(...below), ["/: r", "/a: w"]);
  assert.equal(rules(root, tmpfs("/a"), tmpfs("/a/b"), seal("/a/b"), seal("/a", true), seal("/")), ["/: rx"]);
});

test("devices can be used where they are shown, read-only or not", () => {
  const device: Operation = {
    op: "device",
    origin,
    source: "/dev/null",
    target: "/dev/null",
    major: 1,
    minor: 3,
  };
  const kvm: Operation = {
    ...{ op: "bind", origin, source: "/dev/kvm", target: "/dev/kvm", flags: [], propagation: "none" },
    set: ["ro", "nosuid", "noexec"],
  };
  const [, ...found] = listRules([root, device, kvm, seal("/")]);
  assert.equal(
    found.map(({ path, rights }) => [path, [...rights].sort()]),
    [
      ["/dev/kvm", ["ioctl_dev", "write_file"]],
      ["/dev/null", ["ioctl_dev", "write_file"]],
    ],
  );
});

test("generated files have the rights of their modes", () => {
  const file = (target: string, mode: number, set: Set): Operation => ({
    ...{
      op: "file",
      origin,
      target,
      content: new Uint8Array(),
      mode,
      flags: [],
      set: ["nosuid", "nodev", ...set],
    },
  });
  const tree = [root, file("/plain", 0o444, ["ro"]), file("/note", 0o644, []), file("/tool", 0o555, ["ro"])];
  assert.equal(rules(...tree, seal("/")), ["/: r", "/note: w", "/tool: x"]);
});
