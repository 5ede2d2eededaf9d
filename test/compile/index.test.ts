import fc from "fast-check";
import { compile } from "../../src/compile/index.ts";
import { isBelow } from "../../src/compile/path.ts";
import { TsjailError } from "../../src/error.ts";
import { checkPlan } from "../../src/plan/check.ts";
import type { Operation, Plan } from "../../src/plan/operations.ts";
import type { LoadedProfile } from "../../src/profile/load.ts";
import type { Profile } from "../../src/profile/schema.ts";
import * as assert from "../support/assert.ts";
import { suite } from "../support/suite.ts";
import { compileToml, debian, hosts, loadToml, noRun } from "./fixture.ts";

const test = suite("compile");

const rich = `
command = ["bash"]
[files]
read = ["/opt/tool", "/home/ann/.gitconfig", "/var/lib/x", "/a/b/c"]
write = ["/home/ann/project", "/work", "/a/b"]
hide = ["/root", "/var/lib/secret", "/home/ann/project/.env", "/a"]
tmpfs = ["/tmp", "/home/ann", "/run"]
[[mount]]
type = "dev"
[[mount]]
type = "proc"
[[mount]]
type = "sys"
[[mount]]
type = "bind"
source = "/media"
propagation = "slave"
[[mount]]
type = "symlink"
target = "/sh"
source = "usr/bin/sh"
[[mount]]
type = "file"
target = "/etc/motd"
content = "hi"
[network]
mode = "host"
hosts = { b = "10.0.0.2", a = "10.0.0.1" }
[env]
pass = ["LANG", "TERM", "L*"]
unset = ["X", "Y"]
set = { B = "2", A = "1" }
[rlimits]
nproc = 100
core = 0
[security]
capabilities = ["net_raw", "chown"]
`;

/** What a plan does, without who asked for it: positions change when a profile is written in another order. */
const strip = (plan: Plan) => plan.map((operation) => ({ ...operation, origin: "" }));

test("operations come in the order that the kernel needs", () => {
  const plan = compileToml(rich);
  const place = (op: Operation["op"], last = false) => {
    const names = plan.map((operation) => operation.op);
    return last ? names.lastIndexOf(op) : names.indexOf(op);
  };
  const order = [
    place("supervise"),
    place("clone"),
    place("setgroups"),
    place("uid_map"),
    place("propagation"),
    place("stage"),
    place("root_tmpfs"),
    place("bind"),
    place("mount", true),
    place("pty"),
    place("sysctl"),
    place("readonly", true),
    place("attributes"),
    place("attributes", true),
    place("hostname"),
    place("pivot"),
    place("capabilities"),
    place("no_new_privs"),
    place("workdir"),
    place("command"),
  ];
  assert.ok(order.every((position) => position >= 0));
  assert.equal(
    order,
    [...order].sort((a, b) => a - b),
  );
});

test("every operation says where it comes from", () => {
  for (const { origin, op } of compileToml(rich)) {
    assert.match(
      origin,
      /^(.+ in (dev\.toml(:\d+)?|default)|built in|the caller's own limit|command line)$/,
      op,
    );
  }
});

test("the same arguments give the same plan, and are left as they are", () => {
  const before = JSON.stringify(debian, (_, value) => (typeof value === "bigint" ? String(value) : value));
  const frozen = Object.freeze({ ...debian });
  assert.equal(compileToml(rich, frozen), compileToml(rich, frozen));
  assert.is(
    JSON.stringify(debian, (_, value) => (typeof value === "bigint" ? String(value) : value)),
    before,
  );
});

for (const [name, host] of Object.entries(hosts)) {
  test(`a rich profile compiles for ${name}`, () => {
    assert.ok(compileToml(rich, host).length > 60);
  });
}

function shuffle<T>(list: readonly T[], order: readonly number[]): T[] {
  return list
    .map((value, index) => ({ value, rank: order[index % order.length] ?? 0 }))
    .sort((a, b) => a.rank - b.rank)
    .map(({ value }) => value);
}

/** A profile whose origins say nothing, so that only its content matters. */
function anonymous(profile: Profile): LoadedProfile {
  return {
    profile,
    name: "x",
    inputs: [],
    ownInputs: [],
    variables: [],
    origin: (key) => ({ file: "x.toml", key, line: 1, layer: 0 }),
  };
}

test("the order in which a profile is written changes nothing", () => {
  const { profile } = loadToml(rich);
  const reference = strip(compile(anonymous(profile), debian, noRun));
  const orders = fc.array(fc.nat(), { minLength: 1, maxLength: 8 });
  fc.assert(
    fc.property(orders, (order) => {
      const { files, mount, env, network } = profile;
      const other: Profile = {
        ...profile,
        mount: shuffle(mount, order),
        files: {
          read: shuffle(files.read, order),
          write: shuffle(files.write, order),
          hide: shuffle(files.hide, order),
          protect: shuffle(files.protect, order),
          tmpfs: shuffle(files.tmpfs, order),
        },
        env: {
          ...env,
          pass: shuffle(env.pass, order),
          unset: shuffle(env.unset, order),
          set: Object.fromEntries(shuffle(Object.entries(env.set), order)),
        },
        network: { ...network, hosts: Object.fromEntries(shuffle(Object.entries(network.hosts), order)) },
      };
      assert.equal(strip(compile(anonymous(other), debian, noRun)), reference);
    }),
    { numRuns: 200 },
  );
});

const pathPart = fc.constantFrom("home", "var", "bin", "usr", "a", "b", "link");
const path = fc.array(pathPart, { minLength: 1, maxLength: 4 }).map((parts) => `/${parts.join("/")}`);
const links = fc.dictionary(
  path,
  fc
    .array(fc.constantFrom("a", "b", "..", "home"), { minLength: 1, maxLength: 3 })
    .map((parts) => parts.join("/")),
  { maxKeys: 4 },
);
const lists = fc.record({
  read: fc.array(path, { maxLength: 3 }),
  write: fc.array(path, { maxLength: 3 }),
  hide: fc.array(path, { maxLength: 3 }),
  protect: fc.array(path, { maxLength: 3 }),
  tmpfs: fc.array(path, { maxLength: 3 }),
});

/** The operation that decides what a path shows: the last one at it or above it. */
function findLast(plan: Plan, where: string): Operation | undefined {
  return plan.findLast(
    (operation) =>
      (operation.op === "bind" || operation.op === "mount" || operation.op === "hide") &&
      (operation.target === where || isBelow(where, operation.target)),
  );
}

test("whatever the paths and links, the deepest wish decides and the plan obeys the rules", () => {
  const base = loadToml('process.tty = "never"').profile;
  let compiled = 0;
  fc.assert(
    fc.property(lists, links, (files, found) => {
      let plan: Plan;
      try {
        plan = compile(anonymous({ ...base, files }), { ...debian, links: found }, noRun);
      } catch (error) {
        assert.ok(error instanceof TsjailError && error.code === "profile_conflict");
        return;
      }
      compiled++;
      checkPlan(plan, "internal");
      for (const operation of plan) {
        if (operation.op !== "bind" && operation.op !== "mount" && operation.op !== "hide") continue;
        assert.is(findLast(plan, operation.target), operation);
      }
    }),
    { numRuns: 500 },
  );
  assert.ok(compiled > 100);
});
