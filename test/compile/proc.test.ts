import * as assert from "../support/assert.ts";
import { suite } from "../support/suite.ts";
import { at, compileToml, hosts, pick, quiet } from "./fixture.ts";

const test = suite("compile/proc");

const proc = '[[mount]]\ntype = "proc"\n';

test("a fresh procfs is masked as container runtimes do", () => {
  const plan = compileToml(quiet + proc);
  const mounted = at(plan, "mount", "/proc");
  assert.equal([mounted?.fstype, mounted?.set], ["proc", ["nosuid", "nodev", "noexec"]]);
  for (const name of ["kcore", "keys", "timer_list", "sched_debug", "interrupts", "acpi", "scsi"]) {
    assert.ok(at(plan, "hide", `/proc/${name}`), name);
  }
  for (const name of ["bus", "fs", "irq", "sys", "sysrq-trigger"]) {
    assert.equal(at(plan, "readonly", `/proc/${name}`)?.flags, ["optional"], name);
  }
});

test("sysctls are set before /proc/sys is read-only", () => {
  const operations = compileToml(quiet + proc).map(({ op }) => op);
  assert.ok(operations.indexOf("sysctl") < operations.indexOf("readonly"));
});

test("of a pid namespace that is the host's, the host's procfs is bound", () => {
  const plan = compileToml(`${quiet}namespaces.pid = "host"\n${proc}`);
  assert.is(at(plan, "mount", "/proc"), undefined);
  assert.equal(
    [at(plan, "bind", "/proc")?.source, at(plan, "bind", "/proc")?.flags],
    ["/proc", ["recursive"]],
  );
  assert.ok(at(plan, "hide", "/proc/kcore"));
});

test("masks give way to what the profile says of the same path", () => {
  const none = '[[mount]]\ntype = "none"\ntarget = "/proc/interrupts"\n';
  const plan = compileToml(quiet + proc + none);
  assert.is(at(plan, "hide", "/proc/interrupts"), undefined);
  assert.ok(at(plan, "hide", "/proc/keys"));
});

test("where user namespaces may nest there are no masks, unless the host's root is inside", () => {
  const nested = `${quiet}namespaces.nested = true\n${proc}`;
  assert.is(pick(compileToml(nested), "hide").length, 0);
  assert.is(pick(compileToml(nested), "readonly").length, 0);
  assert.ok(at(compileToml(nested, hosts.root), "readonly", "/proc/sys"));
});
