// The executor's own process and file, from inside a jail (CVE-2019-5736 and its like): init is pid 1, runs the file
// that the next start will run, and knows paths and variables of the host. In: jails as whoever runs the tests, by root
// too, also with every capability. Out: that nothing of it can be opened, beside a process of the jail's own, of which
// all of it can.
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { executorPath, findProcessor } from "../../src/build/native.ts";
import { capabilityNames } from "../../src/plan/capabilities.ts";
import * as assert from "../support/assert.ts";
import { attempt, hostTree, sh, shout } from "../support/jail.ts";
import { suite } from "../support/suite.ts";

const test = suite("jail: the executor's process and file").needs("userns");
const executor = executorPath(findProcessor());
const hash = () => createHash("sha256").update(readFileSync(executor)).digest("hex");

/** Everything that a process shows of its file, its memory and its surroundings; `open` by reading, `write` by writing. */
const script = `${attempt}
  overwrite() { echo x >>"$1"; }
  look() {
    echo $(try readlink /proc/$1/exe; try cat /proc/$1/exe; try cat /proc/$1/environ; try cat /proc/$1/maps
      try cat /proc/$1/auxv; try readlink /proc/$1/cwd; try ls /proc/$1/root/; try readlink /proc/$1/fd/*)
    echo $(try overwrite /proc/$1/exe; try cp /bin/true /proc/$1/exe; try overwrite /proc/$1/root/x)
  }
  look 1
  cp /bin/sleep /tmp/own; cd /tmp; /tmp/own 20 & child=$!
  while ! test /proc/$child/exe -ef /tmp/own; do :; done
  look $child; kill $child; wait $child; overwrite /tmp/own && echo written
`;
const [none, all] = [8, 8].map((count, index) =>
  Array(count)
    .fill(index === 0 ? "no" : "yes")
    .join(" "),
);
const writable = 'rlimits.core = 0\n[[mount]]\ntype = "tmpfs"\ntarget = "/tmp"\nmode = "1777"\n';

const everything = `[security]\ncapabilities = ${JSON.stringify(capabilityNames.slice(0, 41))}\n`;
for (const [what, toml] of [
  ["without capabilities", ""],
  // They are of the jail's user namespace; the file's descriptor and init's memory are of the host's.
  ["with every capability", everything],
] as const) {
  test(`init's file, memory and surroundings can't be opened ${what}`, async () => {
    const before = hash();
    const lines = (await shout({ toml: writable + hostTree + toml, command: sh(script) })).trim().split("\n");
    assert.equal(lines.slice(0, 2), [none, "no no no"]);
    // The twin's file is busy as long as it runs (ETXTBSY), and its root is the jail's, read-only.
    assert.equal(lines.slice(2), [all, "no no no", "written"]);
    assert.is(hash(), before);
  });
}

test("where the host's processes are seen, the monitor and its like are as closed", async () => {
  const before = hash();
  const above = `${attempt}
    pid=$$; for level in 1 2 3; do
      pid=$(sed -n 's/^PPid:[[:space:]]*//p' /proc/$pid/status)
      echo $(try readlink /proc/$pid/exe; try cat /proc/$pid/exe; try cat /proc/$pid/environ; try cp /bin/true /proc/$pid/exe)
    done
    sleep 20 & echo $(try readlink /proc/$!/exe; try cat /proc/$!/environ); kill $!`;
  const toml = `${hostTree}[namespaces]\npid = "host"\n`;
  const lines = (await shout({ toml, command: sh(above) })).trim().split("\n");
  assert.equal(lines, ["no no no no", "no no no no", "no no no no", "yes yes"]);
  assert.is(hash(), before);
});

test("nothing of the host's environment or of our command line is told", async () => {
  const request = {
    toml: writable + hostTree,
    env: { HOST_SECRET: "hunter2" },
    options: ["--env", "TOLD=by-option"],
  };
  const telling = `cat /proc/[0-9]*/environ /proc/[0-9]*/cmdline 2>/dev/null | tr '\\0' '\\n' | grep -c -e "$1" -e "$2"; true`;
  // In two pieces, so that the script's own words don't count.
  const count = (a: string, b: string) =>
    shout({ ...request, command: sh(telling.replaceAll('"$1"', a), "x", b) });
  assert.is(await count("hunte[r]", "hunte[r]2"), "0\n");
  assert.is(await count("profil[e]", "test[.]toml"), "0\n");
  assert.ok((await count("by-optio[n]", "by-optio[n]")) !== "0\n");
  const line = await shout({ ...request, command: sh("tr '\\0' ' ' </proc/1/cmdline; cat /proc/1/comm") });
  assert.is(line.replaceAll(" ", ""), "tsjailtsjail\n");
});
