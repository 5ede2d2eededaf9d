// A link that an earlier jail has put where the next one's bind is. In: a project that a jail can write. Out: what it
// leads to is not shown, beside the same bind without the link, and with the path that the link leads to.
import { mkdirSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import * as assert from "../support/assert.ts";
import { type Jail, jail, makeDirectory, removeDirectory, sh, shout } from "../support/jail.ts";
import { suite } from "../support/suite.ts";

const test = suite("jail: links out of the project").needs("userns");

test("a bind of the project goes nowhere else, whatever a jail has put there", async ({ cleanup }) => {
  const top = makeDirectory("outside");
  cleanup(() => removeDirectory(top));
  const [project, keys] = [join(top, "project"), join(top, "keys")];
  for (const path of [join(project, "out"), join(project, "real"), keys])
    mkdirSync(path, { recursive: true });
  writeFileSync(join(keys, "id"), "key\n");
  const request: Jail = { profile: "untrusted", cwd: project, env: { HOME: top } };
  const start = (bind: string) =>
    jail({ ...request, options: ["--bind", bind], command: sh("ls /out; touch /out/here") });
  assert.is((await start("./out:/out:rw")).status, 0);
  const plant = sh("rm -r out; ln -s ../keys out; ln -s real in");
  await shout({
    ...request,
    options: ["--bind", `${project}:${project}:rw`, "--workdir", project],
    command: plant,
  });
  for (const bind of ["./out:/out:rw", "./out:/out", `${project}/out:/out`]) {
    const { status, stdout, stderr } = await start(bind);
    assert.equal([status, stdout], [125, ""]);
    assert.match(stderr, /A symbolic link leads .*\/out out of the current directory/);
  }
  assert.equal([(await start("./in:/out:rw")).status, (await start("../keys:/out:rw")).stdout], [0, "id\n"]);
  // Elsewhere the same words mean another place: no kept plan may answer for this one.
  const other = join(top, "other");
  renameSync(join(project, "real"), other);
  mkdirSync(join(other, "out"));
  writeFileSync(join(other, "out/mine"), "");
  const there = await jail({
    ...request,
    cwd: other,
    options: ["--bind", "./out:/out"],
    command: ["ls", "/out"],
  });
  assert.is(there.stdout, "mine\n");
});

test("/dev/shm of untrusted holds what it says, and not more", async () => {
  const script = `cd /dev/shm; head -c 60M /dev/zero >a && echo held; head -c 10M /dev/zero >b || echo full; rm a b
    i=0; while test $i -lt 16300; do : >$i || exit 1; i=$((i + 1)); done; echo held
    while test $i -lt 16400 && true >$i; do i=$((i + 1)); done; test $i -lt 16400 && echo full`;
  const command = sh(`(${script}) 2>/dev/null; exit 0`);
  const { stdout } = await jail({ profile: "untrusted", command });
  assert.equal(stdout.trim().split("\n"), ["held", "full", "held", "full"]);
  const large = `extends = "untrusted"\n[[mount]]\ntype = "dev"\nsize = "96M"\n`;
  const more = sh("head -c 70M /dev/zero >/dev/shm/a && echo held");
  assert.is((await jail({ toml: large, command: more })).stdout, "held\n");
});
