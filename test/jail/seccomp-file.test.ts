// Filters from files, in jails: Docker's format, Docker's and Podman's own, and what happens without libseccomp. In: JSON.
// What files may say is tested in test/seccomp/oci.test.ts.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { engineFiles, needsLibseccomp } from "../seccomp/libseccomp.ts";
import * as assert from "../support/assert.ts";
import { callInJail } from "../support/calls.ts";
import { hostTree, jail, makeDirectory, removeDirectory, shout } from "../support/jail.ts";
import { suite } from "../support/suite.ts";

const test = suite("jail: seccomp from files");
const security = (text: string) => `[security]\n${text}\n`;

test.needs(needsLibseccomp)("a file in Docker's format is the filter", async ({ cleanup }) => {
  const directory = makeDirectory("seccomp");
  cleanup(() => removeDirectory(directory));
  const path = join(directory, "calls.json");
  const low = [{ index: 1, value: 0xffff_ffff, valueTwo: 0x5413, op: "SCMP_CMP_MASKED_EQ" }];
  const rules = [
    { names: ["uname"], action: "SCMP_ACT_ERRNO", errnoRet: 95 },
    { names: ["ioctl"], action: "SCMP_ACT_ERRNO", args: low },
  ];
  writeFileSync(path, JSON.stringify({ defaultAction: "SCMP_ACT_ALLOW", syscalls: rules }));
  const toml = security(`seccomp = "${path}"`);
  const calls = ["uname", "ioctl:0x5413", "ioctl:0x100005413", "ioctl:0x5401", "bpf"];
  const answers = ["EOPNOTSUPP", "EPERM", "EPERM", "ENOTTY", "EINVAL"];
  assert.equal(Object.values(await callInJail(toml, calls)), answers);
  // on top of it
  const amended = security(`seccomp = "${path}"\nsyscalls = { uname = "allow", bpf = "deny" }`);
  assert.equal(await callInJail(amended, ["uname", "bpf"]), { uname: "ok", bpf: "EPERM" });
  writeFileSync(path, '{ "defaultAction": "SCMP_ACT_ALOW" }');
  const { status, stderr } = await jail({ toml: hostTree + toml, command: ["true"] });
  assert.is(status, 125);
  assert.match(stderr, `${path}: defaultAction is "SCMP_ACT_ALOW"`);
  assert.match(stderr, "asked for by security.seccomp in ");
});

for (const [which, path] of engineFiles) {
  test.needs(needsLibseccomp)(`${which}.json lets ordinary work through`, async () => {
    const toml = security(`seccomp = "${path}"`);
    const calls = ["getpid", "clone:0", "socket:1", "number:600", "chroot", "perf_event_open"];
    const answers = ["ok", "ok", "ok", "ENOSYS", "EPERM", "EPERM"];
    assert.equal(Object.values(await callInJail(toml, calls)), answers);
    const text = JSON.parse(readFileSync(path, "utf8"));
    assert.is(text.defaultAction, "SCMP_ACT_ERRNO");
  });
}

test.needs("userns", needsLibseccomp)(
  "without libseccomp the shipped filters work, and a file stops the start",
  async ({ cleanup }) => {
    const directory = makeDirectory("seccomp");
    cleanup(() => removeDirectory(directory));
    const path = join(directory, "calls.json");
    writeFileSync(path, '{ "defaultAction": "SCMP_ACT_ALLOW" }');
    const script = `for file in /usr/lib/*/libseccomp.so.2 /usr/lib64/libseccomp.so.2 /usr/lib/libseccomp.so.2; do
    [ ! -e "$file" ] || mount --bind /dev/null "$file" || exit 99; done; exec "$@"`;
    const wrapper = ["unshare", "-rm", "sh", "-c", script, "sh"];
    const options = ["--no-cache"];
    const command = ["grep", "Seccomp:", "/proc/self/status"];
    for (const text of ['seccomp = "default"', 'seccomp = "strict"', 'syscalls = { mount = "ENOSYS" }']) {
      const toml = `${hostTree}[namespaces]\nnested = true\n${security(text)}`;
      assert.is(await shout({ toml, wrapper, options, command }), "Seccomp:\t2\n");
    }
    const toml = hostTree + security(`seccomp = "${path}"`);
    const { status, stderr } = await jail({ toml, wrapper, options, command });
    assert.is(status, 125);
    assert.match(stderr, "libseccomp, which makes filters of files, is not on this machine");
    for (const word of ["apt install libseccomp2", "dnf install", "pacman -S", "apk add"])
      assert.match(stderr, word);
  },
);

test("a file that isn't there stops the start", async () => {
  const { status, stderr } = await jail({
    toml: hostTree + security('seccomp = "/no/such.json"'),
    command: ["true"],
  });
  assert.is(status, 125);
  assert.match(stderr, "/no/such.json, does not exist");
});
