import { formatError, type TsjailError } from "../../src/error.ts";
import type { Host } from "../../src/host/host.ts";
import { formatPlan } from "../../src/plan/text.ts";
import * as assert from "../support/assert.ts";
import { suite } from "../support/suite.ts";
import { at, compileToml, debian, entries, pick, quiet, textAt } from "./fixture.ts";

const test = suite("compile/place");

const mount = (type: string, rest: string) => `[[mount]]\ntype = "${type}"\n${rest}\n`;
const directory = `${quiet}root = { type = "directory", path = "/srv/alpine" }\n`;
const names = ["hosts", "hostname", "resolv.conf", "passwd", "group"];

/** A root directory whose /etc has these entries: what tsjail generates is there only if it is among them. */
function makeHost(etc: ReturnType<typeof entries>, more: Partial<Host> = {}): Host {
  const missing = names.filter((name) => !etc.some((entry) => entry.name === name));
  return {
    ...debian,
    root: { kind: "entries", entries: entries("etc usr", { bin: "usr/bin" }) },
    etc: { kind: "entries", entries: etc },
    kinds: Object.fromEntries(missing.map((name) => [`/srv/alpine/etc/${name}`, "absent"])),
    rootFiles: { "/etc/passwd": { kind: "absent" }, "/etc/group": { kind: "absent" } },
    ...more,
  };
}

const full = [...entries("apk", { mtab: "../proc/mounts" }, `profile ${names.join(" ")}`)];

test("an /etc that lacks what is generated is assembled from its entries", () => {
  const etc = [
    ...entries("apk ssl", { mtab: "../proc/mounts" }, "hosts profile"),
    { name: "s", kind: "other" },
  ];
  const plan = compileToml(directory, makeHost(etc as ReturnType<typeof entries>));
  const isBelow = (place: unknown) => typeof place === "string" && place.startsWith("/etc");
  const below = plan.filter((operation) => "target" in operation && isBelow(operation.target));
  const lines = formatPlan(below)
    .split("\n")
    .slice(1, -1)
    .map((line) =>
      line
        .replace(/^ +\d+ +/, "")
        .replace(/ +#.*/, "")
        .replaceAll(/ {2,}/g, "  "),
    );
  assert.equal(lines, [
    "directory  /etc  mode 0755",
    "bind  /srv/alpine/etc/apk → /etc/apk  ro,nosuid,nodev  recursive nofollow directory optional",
    "symlink  /etc/mtab → ../proc/mounts",
    "bind  /srv/alpine/etc/profile → /etc/profile  ro,nosuid,nodev  recursive nofollow file optional",
    "bind  /srv/alpine/etc/ssl → /etc/ssl  ro,nosuid,nodev  recursive nofollow directory optional",
    'file  /etc/group  ro,nosuid,nodev  mode 0444  12 bytes  "ann:x:1000:\\n"  optional',
    'file  /etc/hostname  ro,nosuid,nodev  mode 0444  7 bytes  "tsjail\\n"  optional',
    'file  /etc/hosts  ro,nosuid,nodev  mode 0444  78 bytes  "127.0.1.1\\ttsjail\\n127.0.0.1\\tlocalhost…"  optional',
    'file  /etc/passwd  ro,nosuid,nodev  mode 0444  27 bytes  "ann:x:1000:1000::/:/bin/sh\\n"  optional',
    'file  /etc/resolv.conf  ro,nosuid,nodev  mode 0444  49 bytes  "# No network, so there is no name serve…"  optional',
  ]);
});

test("one that lacks nothing is shown as it is", () => {
  const plan = compileToml(directory, makeHost(full));
  assert.is(at(plan, "bind", "/etc")?.source, "/srv/alpine/etc");
  assert.is(at(plan, "directory", "/etc"), undefined);
  assert.ok(textAt(plan, "/etc/hosts"));
});

test("what is not generated need not be there", () => {
  const etc = entries("", {}, "hosts hostname resolv.conf");
  const host = { ...makeHost(etc), rootFiles: debian.rootFiles };
  assert.ok(at(compileToml(directory, host), "bind", "/etc"));
  assert.ok(at(compileToml(`${directory}user.uid = 7\n`, host), "directory", "/etc"));
});

test("the host's own tree is treated alike", () => {
  const host = makeHost(full, { kinds: { "/etc/hostname": "absent" }, rootFiles: debian.rootFiles });
  const plan = compileToml(quiet, host);
  assert.is(at(plan, "bind", "/etc/profile")?.source, "/etc/profile");
  assert.is(textAt(plan, "/etc/hostname"), "tsjail\n");
  assert.is(at(compileToml(`${quiet}namespaces.uts = "host"`, host), "directory", "/etc"), undefined);
});

test("what the profile puts below such an /etc comes after its entries, or in their place", () => {
  const toml =
    directory +
    mount("bind", 'source = "/srv/hosts"\ntarget = "/etc/hosts"') +
    mount("bind", 'source = "/srv/certs"\ntarget = "/etc/ssl/certs"') +
    mount("symlink", 'target = "/etc/mtab"\nsource = "/mtab"') +
    '[files]\nhide = ["/etc/shadow", "/etc/gone", "/etc/keys"]\n';
  const etc = entries("keys ssl", { mtab: "../proc/mounts" }, "hosts shadow");
  const plan = compileToml(toml, makeHost(etc));
  const find = (op: string, target: string) =>
    plan.findIndex((each) => each.op === op && "target" in each && each.target === target);
  assert.is(at(plan, "bind", "/etc/hosts")?.source, "/srv/hosts");
  assert.is(at(plan, "symlink", "/etc/mtab")?.text, "/mtab");
  assert.is(textAt(plan, "/etc/hosts"), undefined);
  const order = [
    find("directory", "/etc"),
    find("bind", "/etc/keys"),
    find("bind", "/etc/shadow"),
    find("hide", "/etc/keys"),
    find("hide", "/etc/shadow"),
    find("bind", "/etc/ssl/certs"),
    find("attributes", "/"),
  ];
  assert.equal(
    order,
    [...order].sort((a, b) => a - b),
  );
  assert.not.ok(order.includes(-1));
});

test("an /etc of the profile's own is left to it", () => {
  for (const type of ["tmpfs", "hide"]) {
    const plan = compileToml(directory + mount(type, 'target = "/etc"'), makeHost(entries("ssl")));
    assert.is(at(plan, "bind", "/etc/ssl"), undefined);
    assert.ok(at(plan, "mount", "/etc") ?? at(plan, "directory", "/etc"));
    assert.ok(textAt(plan, "/etc/hosts"));
  }
  const bound = `${directory}${mount("bind", 'source = "/srv/etc"\ntarget = "/etc"')}`;
  const host = makeHost([], { kinds: { "/srv/etc/hosts": "absent", "/srv/etc/hostname": "absent" } });
  const plan = compileToml(`${bound}[network]\ndns = ["::1"]\n`, host);
  assert.is(textAt(plan, "/etc/hosts"), undefined);
  assert.is(textAt(plan, "/etc/resolv.conf"), "nameserver ::1\n");
  assert.throws(
    () => compileToml(`${bound}[network.hosts]\na = "::1"\n`, host),
    /no place for .* \/etc\/hosts/,
  );
});

test("a link that leads nowhere is replaced by the file", () => {
  const stub = "../run/systemd/resolve/stub-resolv.conf";
  const etc = entries("", { "resolv.conf": stub }, "hosts hostname passwd group");
  const top = { kind: "entries", entries: entries("etc run usr") } as const;
  const kinds = { "/srv/alpine/run/systemd/resolve/stub-resolv.conf": "absent" } as const;
  const links = { "/srv/alpine/etc/resolv.conf": stub };
  const plan = compileToml(directory, makeHost(etc, { root: top, kinds, links }));
  assert.match(textAt(plan, "/etc/resolv.conf") ?? "", /^# No network/);
  assert.is(at(plan, "symlink", "/etc/resolv.conf"), undefined);
  // Where the root has no /run at all, the link's end can be made.
  const without = compileToml(directory, makeHost(etc, { kinds, links }));
  assert.ok(textAt(without, "/run/systemd/resolve/stub-resolv.conf"));
  assert.ok(at(without, "bind", "/etc"));
});

test("without an /etc, and in a writable root, nothing is assembled", () => {
  const none = { kind: "entries", entries: entries("usr") } as const;
  const plan = compileToml(directory, makeHost([], { root: none, etc: { kind: "absent" } }));
  assert.is(at(plan, "directory", "/etc"), undefined);
  assert.ok(textAt(plan, "/etc/hosts"));
  const writable = `${quiet}root = { type = "directory", path = "/srv/alpine", writable = "yes" }\n`;
  const points = pick(compileToml(writable, makeHost([])), "mount_point").map(({ target }) => target);
  assert.ok(points.includes("/etc/hosts"));
});

test("where /etc can't be listed, what the profile says is an error, and a default is passed over", () => {
  const host = makeHost([], { etc: { kind: "unreadable", code: "EACCES" } });
  assert.is(textAt(compileToml(directory, host), "/etc/hosts"), undefined);
  for (const [toml, key] of [
    ['[network.hosts]\na = "::1"', "network.hosts"],
    ['[network]\ndns = ["::1"]', "network.dns"],
    ['[network]\nsearch = ["a.test"]', "network.search"],
    ['hostname = "box"', "hostname"],
  ] as const) {
    const error = catchError(() => compileToml(directory + toml, host));
    assert.is(error.code, "host_unsupported");
    assert.is(error.origin?.key, key);
    assert.match(
      formatError(error),
      /\/srv\/alpine\/etc\/[a-z.]+ can't be reached[\s\S]*can't be listed \(EACCES\)/,
    );
  }
});

function catchError(compile: () => unknown): TsjailError {
  try {
    compile();
  } catch (error) {
    return error as TsjailError;
  }
  throw new Error("nothing was thrown");
}
