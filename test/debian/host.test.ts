// The host's own tree, installed into by its own apt: in a view of it that goes with the jail, which fuse-overlayfs makes.
// In: the mirror. Beside it the same with the kernel's overlayfs, to which root's files are nobody's.
// time-limit: 200s
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import * as assert from "../support/assert.ts";
import { mirrorKey, needsDebian, readSuite, serveMirror } from "../support/debian.ts";
import { scratch } from "../support/executor.ts";
import { jail, sh } from "../support/jail.ts";
import { suite } from "../support/suite.ts";

const test = suite("debian: host").needs(...needsDebian, "user", "command:fuse-overlayfs");

const profile = `
[root]
type = "host"
writable = "ephemeral"

[user]
uid = "root"
gid = "root"
emulate = true

[network]
mode = "host"

[env.set]
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
DEBIAN_FRONTEND = "noninteractive"

[[mount]]
type = "proc"

[[mount]]
type = "dev"

[[mount]]
type = "tmpfs"
target = "/tmp"
mode = "1777"
`;

test("its apt installs a package and users of it, and the host has none of it", {
  timeLimit: 180,
}, async (context) => {
  const home = join(scratch(), "host");
  mkdirSync(home);
  const port = await serveMirror(context);
  const script = `exec 2>&1; set -e
    rm -rf /etc/apt/sources.list.d /etc/apt/preferences.d/*
    echo 'deb http://127.0.0.1:${port} ${readSuite()} main' > /etc/apt/sources.list
    base64 -d > /etc/apt/trusted.gpg.d/mirror.gpg <<E\n${mirrorKey()}\nE
    apt-get update; apt-get install -y tsjail-sample; cat /usr/share/tsjail-sample/version
    useradd -m tsjail-guest; id -u tsjail-guest; dpkg -r tsjail-sample; ls /usr/share/tsjail-sample || echo gone`;
  writeFileSync(join(home, "host.toml"), profile);
  const request = {
    profile: join(home, "host.toml"),
    env: { HOME: home },
    command: sh(script),
    timeout: 150,
  };
  const { status, stdout } = await jail(request);
  assert.is(status, 0, stdout.slice(-3000));
  assert.match(stdout, /^Setting up tsjail-sample \(2\.0\) \.\.\.$/m);
  assert.match(stdout, /\n2\.0\n\d+\n/);
  assert.match(stdout, /gone\n$/);
  assert.ok(!existsSync("/usr/share/tsjail-sample"));
  const kernel = await jail({ ...request, options: ["--set", 'root.overlay="kernel"'] });
  assert.is.not(kernel.status, 0, kernel.stdout.slice(-1000));
});
