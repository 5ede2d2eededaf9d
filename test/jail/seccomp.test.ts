// The filter of system calls, by what the kernel answers in a jail: each refusal beside what goes through, and beside the
// same call where the profile switches the filter off. In: profiles' security.seccomp. Programs: test/support/calls.c.
import * as assert from "../support/assert.ts";
import { callInJail } from "../support/calls.ts";
import { hostTree, jail, sh, shout } from "../support/jail.ts";
import { suite } from "../support/suite.ts";

const test = suite("jail: seccomp");
const security = (text: string) => `[security]\n${text}\n`;
const off = security('seccomp = "off"');
/** CLONE_NEW*: mount cgroup uts ipc user pid net */
const namespaces = [0x2_0000, 0x200_0000, 0x400_0000, 0x800_0000, 0x1000_0000, 0x2000_0000, 0x4000_0000];

const all = (answers: Record<string, string>, answer: string) =>
  assert.equal(
    Object.entries(answers).filter(([, each]) => each !== answer),
    [],
  );

test("the command is filtered, and so is what it starts; init is not", async () => {
  const script = `grep Seccomp: /proc/self/status; sh -c 'grep Seccomp: /proc/self/status'; grep Seccomp: /proc/1/status`;
  assert.is(await shout({ toml: hostTree, command: sh(script) }), "Seccomp:\t2\nSeccomp:\t2\nSeccomp:\t0\n");
  // The calls for keyrings alone, which init is refused too.
  assert.is(await shout({ toml: hostTree + off, command: sh(script) }), "Seccomp:\t2\n".repeat(3));
});

test("as pid 1, without init, the command is filtered as well", async () => {
  const options = ["--no-init", "--no-tty"];
  const command = ["grep", "Seccomp:", "/proc/1/status"];
  assert.is(await shout({ toml: hostTree, options, command }), "Seccomp:\t2\n");
});

test("no namespace can be made, by clone, unshare or clone3", async () => {
  const flags = namespaces.flatMap((bit) => [`clone:${bit}`, `unshare:${bit}`]);
  all(await callInJail("", [...flags, `clone:${0x1_1000_0000}`]), "EPERM");
  assert.equal(await callInJail("", ["clone:0", "clone:0x100000000", "clone3"]), {
    ...{ "clone:0": "ok", "clone:0x100000000": "ok", clone3: "ENOSYS" },
  });
});

test("with `nested` user namespaces can be made", async () => {
  const calls = [`clone:${0x1000_0000}`, `unshare:${0x1000_0000}`, "clone3"];
  all(await callInJail("[namespaces]\nnested = true\n", calls), "ok");
  assert.equal(await callInJail(off, calls), {
    // user.max_user_namespaces, the layer below
    ...{ [`clone:${0x1000_0000}`]: "ENOSPC", [`unshare:${0x1000_0000}`]: "ENOSPC", clone3: "ok" },
  });
});

test("keyrings, bpf, performance counters, user faults and io_uring are refused", async () => {
  const calls = [
    "keyctl",
    "add_key",
    "request_key",
    "bpf",
    "perf_event_open",
    "userfaultfd",
    "io_uring_setup",
  ];
  all(await callInJail("", calls), "EPERM");
  const open = await callInJail(off, calls);
  assert.is(open.io_uring_setup === "ok" || open.io_uring_setup === "ENOSYS", true);
  assert.is(open.perf_event_open, "EFAULT");
});

test("a process in the jail can be traced by another one", async () => {
  assert.equal(await callInJail("", ["ptrace"]), { ptrace: "ok" });
});

test("sockets are of the families of the internet, unix sockets and netlink", async () => {
  all(await callInJail("", ["socket:1", "socket:2", "socket:10", "raw:16"]), "ok");
  const refused = [17, 21, 29, 30, 31, 38, 40, 44].map((family) => `datagram:${family}`);
  // AF_VSOCK with bits above an int's, which the kernel leaves out of account
  all(await callInJail("", [...refused, "socket:0x100000028", "raw:0x8000000000000011"]), "EAFNOSUPPORT");
  const packet = await callInJail(security('capabilities = ["net_raw"]'), ["raw:17", "raw:40"]);
  assert.equal(packet, { "raw:17": "ok", "raw:40": "EAFNOSUPPORT" });
});

test("nothing can be typed on a terminal, whatever the bits above an int's are", async () => {
  const numbers = [
    "0x5412",
    "0x541c",
    "0x100005412",
    "0xffffffff00005412",
    "0x8000000000005412",
    "0xdeadbeef0000541c",
  ];
  all(
    await callInJail(
      "",
      numbers.map((number) => `ioctl:${number}`),
    ),
    "EPERM",
  );
  // standard input is a pipe
  all(await callInJail("", ["ioctl:0x5413", "ioctl:0x5401"]), "ENOTTY");
  all(await callInJail(off, ["ioctl:0x5412", "ioctl:0x100005412"]), "ENOTTY");
});

test("the personality is one of Docker's", async () => {
  all(await callInJail("", ["personality:0", "personality:8", "personality:0xffffffff"]), "ok");
  all(await callInJail("", ["personality:0x0040000", "personality:0x0400000"]), "EPERM");
  all(await callInJail(off, ["personality:0x0040000"]), "ok");
});

test.needs("x64")("calls by another ABI end the process", async () => {
  assert.equal(await callInJail("", ["x32", "i386", "getpid"]), {
    x32: "SIGSYS",
    i386: "SIGSYS",
    getpid: "ok",
  });
});

test("calls that don't exist yet are answered ENOSYS, those that are refused EPERM", async () => {
  all(await callInJail("", ["number:400", "number:500", "number:600"]), "ENOSYS");
  all(await callInJail("", ["mount", "sethostname", "chroot", "open_by_handle_at"]), "EPERM");
});

test("capabilities that are kept open the calls that need them", async () => {
  const calls = ["mount", "sethostname", "chroot", `unshare:${0x400_0000}`, `unshare:${0x1000_0000}`];
  const answers = await callInJail(security('capabilities = ["sys_admin"]'), calls);
  assert.equal(Object.values(answers), ["ok", "ok", "EPERM", "ok", "EPERM"]);
  const root = await callInJail(security('capabilities = ["sys_chroot"]'), ["chroot", "mount"]);
  assert.equal(root, { chroot: "ok", mount: "EPERM" });
});

test("single calls can be answered otherwise", async () => {
  const toml = security(
    'syscalls = { uname = "ENOTSUP", perf_event_open = "allow", memfd_create = "kill", getpid = "log" }',
  );
  assert.equal(await callInJail(toml, ["uname", "perf_event_open", "memfd_create", "getpid"]), {
    ...{ uname: "EOPNOTSUPP", perf_event_open: "EFAULT", memfd_create: "SIGSYS", getpid: "ok" },
  });
  assert.equal(await callInJail("", ["uname", "perf_event_open", "memfd_create"]), {
    ...{ uname: "ok", perf_event_open: "EPERM", memfd_create: "ok" },
  });
});

test("strict has no sockets and no devices, and threads, processes and files all the same", async () => {
  const strict = security('seccomp = "strict"');
  all(await callInJail(strict, ["socket:1", "socket:2", "memfd_create", "ptrace", "keyctl"]), "EPERM");
  assert.equal(await callInJail(strict, ["ioctl:0x5401", "ioctl:0x8912", "clone:0", "uname"]), {
    ...{ "ioctl:0x5401": "ENOTTY", "ioctl:0x8912": "ENOTTY", "clone:0": "ok", uname: "ok" },
  });
  const script = `cd /dev/shm; seq 1000 | sort -n | awk '{ sum += $1 } END { print sum }' > sum; cat sum; rm sum; (exit 3); echo $?`;
  assert.is(await shout({ toml: hostTree + strict, command: sh(script) }), "500500\n3\n");
  const worker = `new (require("node:worker_threads").Worker)("console.log(6 * 7)", { eval: true })`;
  assert.is(await shout({ toml: hostTree + strict, command: [process.execPath, "-e", worker] }), "42\n");
});

test("a command that isn't there is explained under a filter that refuses sendmsg", async () => {
  const { status, stderr } = await jail({
    toml: hostTree + security('seccomp = "strict"'),
    command: ["no-such-program"],
    env: { PATH: "/usr/bin:/bin" },
  });
  assert.is(status, 127);
  assert.match(stderr, "There is no command no-such-program in the jail");
});

test("a filter that refuses the start itself is refused, with the place", async () => {
  const { status, stderr } = await jail({
    toml: hostTree + security('syscalls = { execve = "deny" }'),
    command: ["true"],
  });
  assert.is(status, 125);
  assert.match(stderr, /refuses execve\(2\).*\n.*security\.syscalls\.execve/);
});

test("a filter without no_new_privs is refused, or CAP_SYS_ADMIN's to load", async () => {
  const { status, stderr } = await jail({
    toml: hostTree + security("no_new_privs = false"),
    command: ["true"],
  });
  assert.is(status, 125);
  assert.match(stderr, 'security.no_new_privs = false needs security.seccomp = "off"');
  const script = "grep -E 'NoNewPrivs|Seccomp:' /proc/self/status";
  const kept = `${hostTree}${security('no_new_privs = false\ncapabilities = ["sys_admin"]')}`;
  assert.is(await shout({ toml: kept, command: sh(script) }), "NoNewPrivs:\t0\nSeccomp:\t2\n");
  assert.is(
    await shout({ toml: `${hostTree}${off}no_new_privs = false\n`, command: sh(script) }),
    "NoNewPrivs:\t0\nSeccomp:\t2\n",
  );
});
