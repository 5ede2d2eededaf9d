// In: plans. Out: that formatPlan is stable, safe to print and tells what the jail shows, and planToJson loses nothing.
import fc from "fast-check";
import { infinity, type Operation } from "../../src/plan/operations.ts";
import { formatPlan, planToJson } from "../../src/plan/text.ts";
import * as assert from "../support/assert.ts";
import { suite } from "../support/suite.ts";
import { arbitraryPlan } from "./arbitrary.ts";
import { planWith, smallest } from "./sample.ts";

const test = suite("plan/text");

/** The line of the first operation of that name, with its blanks folded. */
function line(operation: Operation): string {
  const lines = formatPlan(planWith(operation)).split("\n");
  const found = lines.find(
    (each) => each.slice(6).startsWith(`${operation.op} `) || each.slice(6) === operation.op,
  );
  return (found ?? "").slice(6).replace(/ {2,}/g, "  ");
}

test("a plan has a heading for each phase, and a line for each operation with its index and origin", () => {
  const text = formatPlan(smallest);
  assert.ok(text.endsWith("\n"));
  const lines = text.split("\n");
  assert.equal(
    lines.filter((each) => /^[a-z]+: /.test(each)).map((each) => each.split(":")[0]),
    ["host", "map", "jail", "command"],
  );
  assert.equal(
    lines.filter((each) => /^ *\d+ {2}/.test(each)).map((each) => Number(each.slice(0, 4))),
    smallest.map((_, index) => index),
  );
  assert.match(text, /^ {3}2 {2}uid_map {8}1000 is 1000 outside {2,}# user\.uid in dev\.toml:4$/m);
});

test("a line tells what is shown where, and how", () => {
  const bind: Operation = {
    ...{
      op: "bind",
      origin: "root.type in base.toml:9",
      source: "/usr",
      target: "/usr",
      flags: ["recursive"],
    },
    ...{ set: ["ro", "nosuid", "nodev"], propagation: "none" },
  } as Operation;
  assert.is(line(bind), "bind  /usr  ro,nosuid,nodev  recursive  # root.type in base.toml:9");
  const other = { ...bind, target: "/data", set: [], propagation: "slave", origin: "" } as Operation;
  assert.is(line(other), "bind  /usr → /data  recursive  propagation slave");
  const tmpfs: Operation = {
    ...{ op: "mount", origin: "", fstype: "tmpfs", target: "/tmp", options: ["mode=1777", "size=536870912"] },
    ...{ flags: [], set: ["nosuid"] },
  } as Operation;
  assert.is(line(tmpfs), "mount  tmpfs on /tmp  nosuid  mode=1777,size=512MiB");
  assert.is(line({ op: "symlink", origin: "", target: "/bin", text: "usr/bin" }), "symlink  /bin → usr/bin");
});

test("the content of a file is shortened, and named as binary where it is no text", () => {
  const file = (content: Uint8Array): Operation => ({
    ...{ op: "file", origin: "", target: "/etc/hosts", content, mode: 0o444, flags: [], set: ["ro"] },
  });
  assert.is(line(file(Buffer.from("a\nb"))), 'file  /etc/hosts  ro  mode 0444  3 bytes  "a\\nb"');
  assert.match(line(file(Buffer.alloc(2048, "x"))), /2 KiB {2}"x{39}…"$/);
  assert.match(line(file(Uint8Array.of(0, 1, 2))), /3 bytes {2}binary$/);
});

test("limits, masks and capabilities are in the units that people use", () => {
  const limit = (resource: "nofile" | "as", soft: number | bigint, hard: number | bigint): Operation => ({
    ...{ op: "rlimit", origin: "", resource, soft, hard },
  });
  assert.is(line(limit("as", 2 ** 30, 2 ** 30)), "rlimit  as  1 GiB");
  assert.is(line(limit("nofile", 1024, infinity)), "rlimit  nofile  soft 1024  hard unlimited");
  assert.is(line({ op: "umask", origin: "", mask: 0o22 }), "umask  0022");
  const keep = (mask: number | bigint): Operation => ({ op: "capabilities", origin: "", keep: mask });
  assert.is(line(keep(0)), "capabilities  none");
  assert.is(line(keep(1n << 41n)), "capabilities  bit 41");
  assert.is(line(keep(0x401)), "capabilities  CAP_CHOWN CAP_NET_BIND_SERVICE");
});

test("an environment is told by what it sets, passes, leaves out and falls back to", () => {
  const empty = { op: "environment", origin: "", list: [], pass: [], unset: [], defaults: [] } as const;
  assert.is(line(empty), "environment  nothing set");
  const full = { ...empty, list: ["A=b c"], pass: ["LC_*", "TERM"], unset: ["LC_ALL"], defaults: ["HOME=/"] };
  assert.is(line(full), 'environment  "A=b c"  passed: LC_* TERM  but: LC_ALL  else: HOME=/');
});

test("facts are told, under a heading of their own", () => {
  const fact = (operation: object) => line({ origin: "", ...operation } as Operation);
  const invocation = { op: "fact_invocation", package: "/p", options: ["-p", "a b"], commands: ["run"] };
  assert.is(fact(invocation), 'fact_invocation /p -p "a b"');
  assert.is(
    fact({ op: "fact_caller", uid: 1, gid: 2, capabilities: 1 }),
    "fact_caller  uid 1, gid 2  capabilities: CAP_CHOWN",
  );
  const machine = { op: "fact_machine", release: "6.1", version: "", machine: "x86_64" };
  assert.is(fact(machine), "fact_machine  6.1 x86_64");
  assert.is(fact({ op: "fact_directory", path: "/a\nb" }), 'fact_directory "/a\\nb"');
  const unset = { op: "fact_variable", name: "HOME", state: "unset", value: "" };
  assert.is(fact(unset), "fact_variable  HOME is not set");
  assert.is(fact({ ...unset, state: "set", value: "/h" }), "fact_variable  HOME=/h");
  const times = { modified: 0, changed: 0 };
  assert.is(
    fact({ op: "fact_file", path: "/f", device: 1, inode: 2, size: 2048, ...times }),
    "fact_file  /f  inode 2  2 KiB",
  );
  assert.is(
    fact({ op: "fact_kind", path: "/k", kind: "file", flags: ["follow"] }),
    "fact_kind  /k  file  follow",
  );
  assert.is(fact({ op: "fact_link", path: "/l", text: "t" }), "fact_link  /l → t");
  const text = formatPlan(planWith({ op: "fact_directory", origin: "", path: "/" }));
  assert.match(text, /^fact: .*\n {3}0 {2}fact_directory/m);
});

test("ranges of ids are told with both ends", () => {
  const map = (text: string): Operation => ({ op: "uid_map", origin: "", map: text });
  assert.is(
    line(map("0 1000 1\n1 100000 65536\n")),
    "uid_map  0 is 1000 outside, 1…65536 are 100000…165535 outside",
  );
  assert.is(line(map("nonsense")), "uid_map  nonsense");
});

test("what would fool a reader is quoted and escaped", () => {
  const hide = (target: string): Operation => ({ op: "hide", origin: "", target, flags: [] });
  assert.is(line(hide("/a b")), 'hide  "/a b"');
  assert.is(line(hide('/a → "b"')), 'hide  "/a → \\"b\\""');
  assert.is(
    line(hide("/a\u001b[2K\r\n  13  bind")),
    'hide  "/a\\x1b[2K\\r\\n  13  bind"'.replace(/ {2,}/g, "  "),
  );
  assert.is(line(hide("/\u202egnp")), 'hide  "/\\u{202e}gnp"');
  assert.is(line(hide("/straße/日本")), "hide  /straße/日本");
  assert.is(line({ op: "hide", origin: "x\ny", target: "/a", flags: [] }), "hide  /a  # x\\ny");
});

test("any plan prints as one line for each operation, without control characters", () => {
  fc.assert(
    fc.property(arbitraryPlan, (plan) => {
      const lines = formatPlan(plan).split("\n");
      assert.is(lines.filter((each) => /^ *\d+ {2}[a-z_]+/.test(each)).length, plan.length);
      assert.not.match(lines.join(""), /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u);
    }),
  );
});

test("one more operation changes no other line but for its number", () => {
  const strip = (text: string) => text.split("\n").map((each) => each.replace(/^ *\d+/, ""));
  const before = strip(formatPlan(smallest));
  const after = strip(
    formatPlan(planWith({ op: "umask", origin: "process.umask in dev.toml:1", mask: 0o77 })),
  );
  assert.equal(
    after.filter((each) => !each.includes("umask")),
    before,
  );
});

test("the JSON form has every field, with infinity as digits and content as text or base64", () => {
  const plan = planWith(
    { op: "rlimit", origin: "", resource: "cpu", soft: 1, hard: infinity },
    { op: "file", origin: "", target: "/a", content: Buffer.from("ä"), mode: 1, flags: [], set: [] },
    { op: "file", origin: "", target: "/b", content: Uint8Array.of(255), mode: 1, flags: [], set: [] },
  );
  const { version, operations } = JSON.parse(JSON.stringify(planToJson(plan)));
  assert.is(version, 1);
  assert.is(operations.length, plan.length);
  const find = (op: string) => operations.filter((each: { op: string }) => each.op === op);
  assert.equal(find("rlimit"), [
    { op: "rlimit", phase: "command", origin: "", resource: "cpu", soft: 1, hard: "18446744073709551615" },
  ]);
  assert.equal(
    find("file").map((each: { content: unknown }) => each.content),
    [{ text: "ä" }, { base64: "/w==" }],
  );
});
