// How mounts travel between the host and a jail: what either of them mounts later. A user namespace around tsjail, with
// shared mounts, is the host here.
import { mkdirSync } from "node:fs";
import * as assert from "../support/assert.ts";
import { hostTree, makeDirectory, mount, removeDirectory, sh, shout } from "../support/jail.ts";
import { suite, type TestContext } from "../support/suite.ts";

const test = suite("jail: propagation");

function makeTree({ cleanup }: TestContext): string {
  const directory = makeDirectory("propagation");
  cleanup(() => removeDirectory(directory));
  mkdirSync(`${directory}/sub`);
  return directory;
}

/** Mounts on "$0/sub" while the jail is up. The jail's command makes "$0/ready" and waits for a line. */
const mountLater = (directory: string) => [
  ...["unshare", "-Urm", "--propagation", "unchanged", "sh", "-c"],
  `mount --make-rshared / && mkfifo "$0/line" || exit 1
  "$@" <"$0/line" & exec 3>"$0/line"
  while [ ! -e "$0/ready" ]; do kill -0 $! || exit 1; sleep 0.02; done
  mount -t tmpfs late "$0/sub" && touch "$0/sub/late" && echo >&3; wait $!`,
  directory,
];

for (const [propagation, seen] of [
  ["private", ""],
  ["slave", "late\n"],
] as const) {
  const title =
    propagation === "slave" ? "is seen where a bind is its slave" : "is not seen in a private bind";
  test.needs("userns")(`what the host mounts later ${title}`, async (context) => {
    const directory = makeTree(context);
    const bind = { source: directory, target: "/shown", readonly: false, propagation };
    const script = "touch /shown/ready; read line; ls /shown/sub";
    const output = await shout({
      toml: hostTree + mount("bind", bind),
      command: sh(script),
      wrapper: mountLater(directory),
    });
    assert.is(output, seen);
  });
}

test.needs("userns")("what the jail mounts never reaches the host", async (context) => {
  const directory = makeTree(context);
  const bind = mount("bind", { source: directory, target: "/shown", propagation: "slave" });
  const toml = `${hostTree}${bind}[user]\nuid = "root"\n[security]\ncapabilities = ["sys_admin"]\n`;
  const outer = 'mount --make-rshared / && "$@" && cat /proc/self/mountinfo';
  const output = await shout({
    toml,
    command: sh("mount -t tmpfs inner /shown/sub && grep -c ' inner ' /proc/self/mountinfo"),
    wrapper: ["unshare", "-Urm", "sh", "-c", outer, "sh"],
  });
  const [inside, ...outside] = output.split("\n");
  assert.is(inside, "1");
  assert.not.match(outside.join("\n"), " inner ");
  assert.ok(outside.length > 3);
});
