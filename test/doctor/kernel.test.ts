import {
  checkCalls,
  checkLandlock,
  checkNamespaces,
  checkOvermounts,
  checkSurroundings,
} from "../../src/doctor/kernel.ts";
import { trySystemCall } from "../../src/native.ts";
import * as assert from "../support/assert.ts";
import { suite } from "../support/suite.ts";
import { ordinary, readMachine } from "./fixture.ts";

const test = suite("doctor kernel");
const [EINVAL, ENOSYS] = [22, 38];
/** A kernel that lacks some system calls. */
const lacking =
  (...missing: number[]) =>
  (number: number) => ({ errno: missing.includes(number) ? ENOSYS : EINVAL, result: -1 });

test("a kernel with all system calls is good", (context) => {
  const row = checkCalls(readMachine(context), lacking());
  assert.is(row.outcome, "good");
  assert.match(row.why, /Linux 6\.8\.0 has the system calls/);
});

test("a kernel without mount_setattr is too old, whatever its version says", (context) => {
  const row = checkCalls(readMachine(context), lacking(442, 437));
  assert.is(row.outcome, "bad");
  assert.match(row.why, /lacks openat2 \(5\.6\), mount_setattr \(5\.12\)/);
  assert.match(row.fix ?? "", /5\.14 or later/);
});

test("where a filter is around us, the filter is named and not the kernel", (context) => {
  const facts = readMachine(context, {
    "proc/self/status": (ordinary["proc/self/status"] ?? "").replace("Seccomp:\t0", "Seccomp:\t2"),
  });
  assert.match(checkCalls(facts, lacking(442)).fix ?? "", /seccomp filter/);
});

test("clone3 can be done without", (context) => {
  const row = checkCalls(readMachine(context), lacking(435));
  assert.is(row.outcome, "good");
  assert.match(row.why, /without clone3/);
});

test("the real kernel is asked without harm", (context) => {
  const row = checkCalls(readMachine(context), trySystemCall);
  assert.ok(["good", "bad"].includes(row.outcome));
  // An unassigned number, and one that every kernel has (getppid).
  assert.is(trySystemCall(1000).errno, ENOSYS);
  const getppid = process.arch === "x64" ? 110 : 173;
  assert.is(trySystemCall(getppid).result, process.ppid);
});

test("user namespaces that are switched off are a failure, with the command that helps", (context) => {
  const [row] = checkNamespaces(readMachine(context, { "proc/sys/user/max_user_namespaces": "0\n" }));
  assert.is(row?.outcome, "bad");
  assert.match(row?.fix ?? "", /sudo sysctl -w user\.max_user_namespaces=15000/);
  assert.is(checkNamespaces(readMachine(context))[0]?.outcome, "good");
});

test("a kernel without user namespaces is a failure", (context) => {
  const facts = readMachine(context);
  const absent = { known: false, absent: true, why: "" } as const;
  const [row] = checkNamespaces({ ...facts, maxNamespaces: { ...facts.maxNamespaces, user: absent } });
  assert.is(row?.outcome, "bad");
  assert.match(row?.why ?? "", /CONFIG_USER_NS/);
});

test("every other kind of namespace that is switched off is a failure of its own", (context) => {
  const limits = { "proc/sys/user/max_time_namespaces": "0\n", "proc/sys/user/max_net_namespaces": "7\n" };
  const rows = checkNamespaces(readMachine(context, limits));
  assert.equal(
    rows.map(({ subject, outcome }) => [subject, outcome]),
    [
      ["user namespaces", "good"],
      ["time namespaces", "bad"],
      ["unprivileged use", "good"],
    ],
  );
  assert.is(rows[1]?.why, "user.max_time_namespaces is 0");
  assert.match(rows[1]?.fix ?? "", /max_time_namespaces=15000[\s\S]*\[namespaces\]\n {2}time = "host"/);
});

test("kernel.unprivileged_userns_clone = 0 is a failure for a user, and none for root", (context) => {
  const off = { "proc/sys/kernel/unprivileged_userns_clone": "0\n" };
  const asUser = checkNamespaces(readMachine(context, off))[1];
  assert.is(asUser?.outcome, "bad");
  assert.match(asUser?.fix ?? "", /kernel\.unprivileged_userns_clone=1/);
  const status = (ordinary["proc/self/status"] ?? "").replace(/1000/g, "0");
  assert.is(
    checkNamespaces(readMachine(context, { ...off, "proc/self/status": status }))[1]?.outcome,
    "good",
  );
  const on = { "proc/sys/kernel/unprivileged_userns_clone": "1\n" };
  assert.is(checkNamespaces(readMachine(context, on))[1]?.outcome, "good");
});

test("seccomp filters and no_new_privs around us are noted", (context) => {
  const plain = checkSurroundings(readMachine(context));
  assert.equal(
    plain.map(({ outcome }) => outcome),
    ["good", "good"],
  );
  const status = (ordinary["proc/self/status"] ?? "")
    .replace("Privs:\t0", "Privs:\t1")
    .replace("Seccomp:\t0", "Seccomp:\t2");
  const rows = checkSurroundings(
    readMachine(context, {
      "proc/self/status": `${status}Seccomp_filters:\t3\n`,
      ".dockerenv": "",
    }),
  );
  assert.equal(
    rows.map(({ outcome }) => outcome),
    ["note", "note"],
  );
  assert.match(rows[0]?.why ?? "", /3 filters are around us \(docker\)/);
});

test("a /proc with parts covered is noted with those parts", (context) => {
  assert.is(checkOvermounts(readMachine(context)).outcome, "good");
  const mounts = `${ordinary["proc/self/mountinfo"]}3 2 0:3 / /proc/acpi ro - tmpfs tmpfs ro\n`;
  const row = checkOvermounts(readMachine(context, { "proc/self/mountinfo": mounts }));
  assert.is(row.outcome, "note");
  assert.match(row.why, "/proc/acpi");
});

test("Landlock is named with its ABI and with what that lacks, and its absence is only a note", () => {
  const check = (abi: number) => checkLandlock(() => ({ errno: 0, result: abi }));
  for (const abi of [6, 7, 12]) {
    assert.equal([check(abi).outcome, check(abi).why.split(":")[0]], ["good", `ABI ${abi}`]);
  }
  const { outcome, why, fix } = check(4);
  assert.equal([outcome, fix], ["note", undefined]);
  assert.match(
    why,
    /^ABI 4; .*ioctl\(2\) on devices .*\(until ABI 5, Linux 6\.10\); .*sockets .*\(until ABI 6/,
  );
  assert.not.match(why, "truncate");
  assert.match(check(1).why, "files are guarded by the mounts alone");
  const absent = checkLandlock(() => ({ errno: ENOSYS, result: -1 }));
  assert.is(absent.outcome, "note");
  assert.match(absent.why, "the kernel has none");
  assert.match(absent.fix ?? "", "lsm=landlock");
  assert.match(checkLandlock(() => ({ errno: 95, result: -1 })).why, /switched off/);
});
