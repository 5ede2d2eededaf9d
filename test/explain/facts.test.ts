// In: a made-up tree of /proc and /etc. Out: that readFacts finds what is there, and tells what isn't.
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { findConfinement, isRestricted } from "../../src/explain/apparmor.ts";
import { type Facts, readFacts, readValue } from "../../src/explain/facts.ts";
import { findInterpreter, probeFile } from "../../src/explain/files.ts";
import { explainRevealing, findMount, parseMounts } from "../../src/explain/mounts.ts";
import * as assert from "../support/assert.ts";
import { suite, type TestContext } from "../support/suite.ts";

const test = suite("explain/facts");

function makeTree({ cleanup }: TestContext, files: Readonly<Record<string, string>>): string {
  const root = mkdtempSync(join(tmpdir(), "tsjail-facts-"));
  cleanup(() => rmSync(root, { recursive: true }));
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  }
  return root;
}

const status = (more = ""): string =>
  `Name:\tnode\nUid:\t1000\t1000\t1000\t1000\nGid:\t100\t100\t100\t100\nCapEff:\t0000000000000000\nCapBnd:\t000001ffffffffff\n${more}`;

const mountinfo = (...lines: readonly string[]): string =>
  [
    "27 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw",
    "22 27 0:21 / /proc rw,nosuid,noexec shared:2 - proc proc rw",
    "23 27 0:22 / /sys ro,nosuid - sysfs sysfs rw",
    ...lines,
    "",
  ].join("\n");

test("a machine's settings become facts", (context) => {
  const root = makeTree(context, {
    "proc/sys/kernel/osrelease": "6.8.0-31-generic\n",
    "proc/sys/user/max_user_namespaces": "0\n",
    "proc/sys/user/max_mnt_namespaces": "12\n",
    "proc/sys/kernel/unprivileged_userns_clone": "0\n",
    "proc/sys/kernel/apparmor_restrict_unprivileged_userns": "1\n",
    "proc/self/status": status("NoNewPrivs:\t1\nSeccomp:\t2\nSeccomp_filters:\t3\n"),
    "proc/self/mountinfo": mountinfo(),
    "proc/self/uid_map": "         0       1000          1\n",
    "sys/module/apparmor/parameters/enabled": "Y\n",
    "proc/self/attr/current": "docker-default (enforce)\n",
    "etc/os-release": 'ID=ubuntu\nVERSION_ID="24.04"\nPRETTY_NAME="Ubuntu 24.04 LTS"\n',
    ".dockerenv": "",
  });
  const facts = readFacts({ root, environment: { PATH: "/bin" } });
  assert.is(readValue(facts.kernel), "6.8.0-31-generic");
  assert.is(readValue(facts.maxNamespaces.user), 0);
  assert.is(readValue(facts.maxNamespaces.mount), 12);
  assert.is(readValue(facts.unprivilegedUsernsClone), false);
  assert.is(readValue(facts.chroot), false);
  assert.is(facts.container, "docker");
  assert.is(facts.path, "/bin");
  assert.equal(readValue(facts.uidMap), [{ inside: 0, outside: 1000, count: 1 }]);
  assert.equal(readValue(facts.distribution), { id: "ubuntu", version: "24.04", name: "Ubuntu 24.04 LTS" });
  const { gid, noNewPrivs, seccomp, seccompFilters } = readValue(facts.process) ?? {};
  assert.equal([gid, noNewPrivs, seccomp, seccompFilters], [100, true, "filter", 3]);
  assert.is(findConfinement(facts), "docker-default (enforce)");
  assert.ok(isRestricted(facts));
});

test("what a machine doesn't have, or hides, is a fact as well", (context) => {
  const root = makeTree(context, { "proc/sys/user/max_user_namespaces": "many\n" });
  const facts = readFacts({ root, environment: {} });
  assert.equal(facts.unprivilegedUsernsClone, {
    ...{ known: false, absent: true },
    why: "/proc/sys/kernel/unprivileged_userns_clone can't be read: ENOENT",
  });
  assert.equal(facts.maxNamespaces.user, {
    ...{ known: false, absent: false, why: "/proc/sys/user/max_user_namespaces has an unexpected form" },
  });
  assert.is(facts.chroot.known, false);
  assert.is(facts.container, undefined);
  assert.not.ok(isRestricted(facts));
});

test("this machine has facts", () => {
  const facts = readFacts();
  assert.ok(facts.kernel.known && facts.process.known && facts.mounts.known);
  assert.ok(Object.isFrozen(facts));
});

test("a container is known by its marks", (context) => {
  const find = (
    files: Record<string, string>,
    environment: Record<string, string> = {},
  ): Facts["container"] => readFacts({ root: makeTree(context, files), environment }).container;
  assert.is(find({}), undefined);
  assert.is(find({ "run/.containerenv": "" }), "podman");
  assert.is(find({ ".dockerenv": "" }, { KUBERNETES_SERVICE_HOST: "10.0.0.1" }), "kubernetes");
  assert.is(find({ "run/host/container-manager": "systemd-nspawn\n" }), "systemd-nspawn");
  assert.is(find({}, { container: "lxc" }), "lxc");
  assert.is(find({}, { container: "something" }), "other");
});

test("an AppArmor profile that only has a name confines nobody", (context) => {
  const read = (label: string) =>
    findConfinement(
      readFacts({
        root: makeTree(context, {
          "sys/module/apparmor/parameters/enabled": "Y",
          "proc/self/attr/current": label,
        }),
      }),
    );
  assert.is(read("unconfined"), undefined);
  assert.is(read("tsjail (unconfined)"), undefined);
  assert.is(read("unpriv_bwrap (enforce)"), "unpriv_bwrap (enforce)");
});

test("mounts over parts of /proc are found, but not those on directories made for it", () => {
  const clean = parseMounts(mountinfo("30 22 0:30 / /proc/sys/fs/binfmt_misc rw - autofs systemd-1 rw"));
  assert.is(explainRevealing(clean, "proc"), undefined);
  const masked = parseMounts(mountinfo("31 22 0:31 / /proc/kcore\\040x rw - tmpfs tmpfs rw"));
  assert.match(explainRevealing(masked, "proc") ?? "", /covered by other mounts: \/proc\/kcore x/);
  const cgroup = parseMounts(
    mountinfo(
      "32 23 0:32 / /sys/fs/cgroup rw - tmpfs cgroup rw",
      "33 32 0:33 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu",
    ),
  );
  assert.is(explainRevealing(cgroup, "sysfs"), undefined);
  assert.match(explainRevealing([], "proc") ?? "", /no proc is mounted/);
});

test("a path is on the nearest mount above it, the last one where there are several", () => {
  const mounts = parseMounts(
    mountinfo("33 27 0:33 / /home rw,noexec - tmpfs a rw", "34 33 0:34 / /home ro - tmpfs b rw"),
  );
  assert.equal(findMount(mounts, "/home/ada")?.options, ["ro"]);
  assert.is(findMount(mounts, "/homes")?.target, "/");
});

test("a file's kind, mode and interpreter are read", (context) => {
  const root = makeTree(context, { script: "#! /bin/sh -e\n", text: "hello", empty: "", "directory/x": "" });
  symlinkSync("script", join(root, "link"));
  const probe = (name: string) => probeFile(join(root, name));
  const script = probe("script");
  assert.equal(script.kind === "file" && script.interpreter, { path: "/bin/sh", by: "script" });
  assert.equal(probe("link"), { kind: "symlink", target: "script" });
  assert.is(probe("directory").kind, "directory");
  assert.is(probe("missing").kind, "missing");
  assert.is(probe("text/below").kind, "missing");
  const [text, empty] = [probe("text"), probe("empty")];
  assert.equal(
    [text.kind === "file" && text.format, empty.kind === "file" && empty.format],
    ["unknown", "empty"],
  );
});

test("this Node is an ELF file for this machine, and a damaged head is no reason to fail", () => {
  const node = probeFile(process.execPath);
  assert.ok(node.kind === "file" && node.format === "elf" && node.machine === process.arch);
  const head = Buffer.alloc(64);
  head.writeUInt32BE(0x7f454c46);
  head.set([2, 1], 4);
  head.writeBigUInt64LE(2n ** 63n, 32);
  head.writeUInt16LE(65_535, 56);
  assert.is(findInterpreter(head), undefined);
});
