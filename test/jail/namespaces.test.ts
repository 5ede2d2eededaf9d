// Every namespace of a jail is another one than the host's, unless the profile leaves it to the host. In: links below
// /proc/self/ns, whose numbers say which namespace a process is in (namespaces(7)).
import { readFileSync, readlinkSync } from "node:fs";
import { hostname } from "node:os";
import * as assert from "../support/assert.ts";
import { attempt, hostTree, jail, sh, shout, startJail } from "../support/jail.ts";
import { suite } from "../support/suite.ts";

const test = suite("jail: namespaces");
const names = ["cgroup", "ipc", "mnt", "net", "pid", "time", "user", "uts"];
const listNamespaces = sh(`for name in ${names.join(" ")}; do readlink /proc/self/ns/$name; done`);
const shared = ["pid", "uts", "ipc", "cgroup", "time"];
const hostNamespaces = `${hostTree}
[namespaces]
${shared.map((name) => `${name} = "host"`).join("\n")}
[network]
mode = "host"
`;

async function readInside(toml: string, options: readonly string[] = []): Promise<string[]> {
  return (await shout({ toml, options, command: listNamespaces })).trim().split("\n");
}

const readOutside = () => names.map((name) => readlinkSync(`/proc/self/ns/${name}`));

test("every namespace is another one than the host's", async () => {
  const inside = await readInside(hostTree);
  const outside = readOutside();
  assert.is(inside.length, names.length);
  for (const [index, name] of names.entries()) {
    assert.match(inside[index] ?? "", new RegExp(`^${name}:\\[\\d+\\]$`));
    assert.is.not(inside[index], outside[index]);
  }
});

test("namespaces that the profile leaves to the host are the host's", async () => {
  const inside = await readInside(hostNamespaces);
  const outside = readOutside();
  for (const [index, name] of names.entries()) {
    if (name === "mnt" || name === "user") assert.is.not(inside[index], outside[index]);
    else assert.is(inside[index], outside[index]);
  }
});

for (const name of shared) {
  test(`the ${name} namespace can be left to the host alone`, async () => {
    const inside = await readInside(hostTree, ["--set", `namespaces.${name}=host`]);
    const outside = readOutside();
    const same = names.filter((_, index) => inside[index] === outside[index]);
    assert.equal(same, [name]);
  });
}

test("two jails at the same time share no namespace", async () => {
  // Both have to be up at once: the kernel gives the number of one that has ended to the next.
  const command = sh(`for name in ${names.join(" ")}; do readlink /proc/self/ns/$name; done; read line`);
  const jails = [1, 2].map(() => startJail({ toml: hostTree, command }));
  const [one, other] = await Promise.all(
    jails.map(async (running) => (await running.waitFor("uts:")).split("\n")),
  );
  for (const { child } of jails) child.stdin?.end("\n");
  for (const { ended } of jails) assert.is((await ended).status, 0);
  assert.is(one?.length, names.length + 1);
  for (const [index, link] of (one ?? []).slice(0, -1).entries()) assert.is.not(link, other?.[index]);
});

test("children of the command stay in the jail's pid and time namespaces", async () => {
  const script = "cd /proc/self/ns; readlink pid pid_for_children time time_for_children";
  const [pid, childrenPid, time, childrenTime] = (await shout({ toml: hostTree, command: sh(script) })).split(
    "\n",
  );
  assert.is(childrenPid?.replace("pid_for_children", "pid"), pid);
  assert.is(childrenTime?.replace("time_for_children", "time"), time);
});

for (const name of ["mount", "user"]) {
  test(`the ${name} namespace can't be the host's, and the message says why`, async () => {
    const { status, stderr } = await jail({
      toml: hostTree,
      options: ["--set", `namespaces.${name}=host`],
      command: ["true"],
    });
    assert.is(status, 125);
    assert.match(stderr, `namespaces.${name}`);
    assert.match(stderr, name === "mount" ? /without its own mounts/ : /without root/);
  });
}

test("a network namespace that contradicts the network's mode is refused", async () => {
  const options = ["--set", "namespaces.net=host", "--net", "none"];
  const { status, stderr } = await jail({ toml: hostTree, options, command: ["true"] });
  assert.is(status, 125);
  assert.match(stderr, "namespaces.net");
  assert.match(stderr, "network.mode");
});

test("the host name is the jail's own, and changing it needs rights that the jail lacks", async () => {
  const script = `${attempt}uname -n; try hostname other; uname -n`;
  const output = await shout({ toml: `hostname = "box"\n${hostTree}`, command: sh(script) });
  assert.is(output, "box\nno\nbox\n");
  const own = await shout({ toml: hostTree, command: ["uname", "-n"] });
  assert.is(own, "tsjail\n");
  const theirs = await shout({
    toml: hostTree,
    options: ["--set", "namespaces.uts=host"],
    command: ["uname", "-n"],
  });
  assert.is(theirs, `${hostname()}\n`);
});

test("a jail that may change its host name changes nobody else's", async () => {
  const before = hostname();
  const toml = `${hostTree}[user]\nuid = "root"\n[security]\ncapabilities = ["sys_admin"]\n`;
  assert.is(await shout({ toml, command: sh("hostname other && uname -n") }), "other\n");
  assert.is(hostname(), before);
});

test("the domain name is as the profile says", async () => {
  const command = ["cat", "/proc/sys/kernel/domainname"];
  const output = await shout({ toml: `domainname = "example.org"\n${hostTree}`, command });
  assert.is(output, "example.org\n");
});

test("the cgroups are named as seen from the jail's own, and as seen from the host where it says so", async () => {
  const read = ["cat", "/proc/self/cgroup"];
  const inside = await shout({ toml: hostTree, command: read });
  for (const line of inside.trim().split("\n")) assert.match(line, /^\d+:[^:]*:\/$/);
  const options = ["--set", "namespaces.cgroup=host"];
  const outside = await shout({ toml: hostTree, options, command: read });
  assert.is(outside, readFileSync("/proc/self/cgroup", "utf8"));
});

test("clocks run ahead or behind by the profile's offsets, and as the host's without any", async () => {
  const days = 10 * 24 * 3600;
  const read = async (extra: string) => {
    const output = await shout({ toml: hostTree + extra, command: ["cat", "/proc/uptime"] });
    return Number.parseFloat(output) - Number.parseFloat(readFileSync("/proc/uptime", "utf8"));
  };
  assert.ok(Math.abs(await read("")) < 10);
  const ahead = await read('[namespaces]\ntime_offsets = { boottime = "10d" }\n');
  assert.ok(Math.abs(ahead - days) < 10, `${ahead} s`);
});

test("the monotonic clock has an offset of its own", async () => {
  const toml = `${hostTree}[namespaces]\ntime_offsets = { monotonic = "2h" }\n`;
  const command = [process.execPath, "-p", "process.hrtime.bigint() / 1000000000n + ''"];
  const seconds = Number(await shout({ toml, command })) - Number(process.hrtime.bigint() / 1000000000n);
  assert.ok(Math.abs(seconds - 7200) < 10, `${seconds} s`);
});
