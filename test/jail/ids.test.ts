// Who the command is: the user and group ids inside, what they are outside, and that no setuid program makes more of
// them. In: files whose owners both sides look at.
import { execFileSync } from "node:child_process";
import { chmodSync, chownSync, copyFileSync, readFileSync, statSync } from "node:fs";
import * as assert from "../support/assert.ts";
import { attempt, hostTree, jail, makeDirectory, removeDirectory, sh, shout } from "../support/jail.ts";
import { suite, type TestContext } from "../support/suite.ts";

const test = suite("jail: ids");
/** Without it only CAP_SYS_ADMIN may load a filter. */
const gaining = 'no_new_privs = false\nseccomp = "off"';
const uid = process.getuid?.() ?? 0;
const gid = process.getgid?.() ?? 0;
const readIds = sh("id -u; id -g; id -ru; id -rg");

function makeScratch({ cleanup }: TestContext): string {
  const directory = makeDirectory("ids");
  cleanup(() => removeDirectory(directory));
  return directory;
}

const cases: [string, string, number, number][] = [
  ["nothing is said", "", uid, gid],
  ["the profile keeps them", 'uid = "keep"\ngid = "keep"', uid, gid],
  ["the profile says root", 'uid = "root"\ngid = "root"', 0, 0],
  ["the profile gives numbers", "uid = 4321\ngid = 8765", 4321, 8765],
  ["only the user is another one", "uid = 4321", 4321, gid],
];
for (const [title, keys, user, group] of cases) {
  test(`the ids inside, where ${title}`, async () => {
    const output = await shout({ toml: `${hostTree}[user]\n${keys}\n`, command: readIds });
    assert.is(output, `${user}\n${group}\n${user}\n${group}\n`);
  });
}

test("--user gives the ids on the command line", async () => {
  const options = ["--user", "17:18"];
  assert.is(await shout({ toml: hostTree, options, command: readIds }), "17\n18\n17\n18\n");
});

test("exactly one id of each kind is mapped, the caller's own", async () => {
  const command = ["cat", "/proc/self/uid_map", "/proc/self/gid_map", "/proc/self/setgroups"];
  const output = await shout({ toml: `${hostTree}[user]\nuid = 4321\ngid = 8765\n`, command });
  assert.is(output.replace(/ +/g, " "), ` 4321 ${uid} 1\n 8765 ${gid} 1\ndeny\n`);
});

test("the caller's files are the command's, and what the command makes is the caller's", async (context) => {
  const directory = makeScratch(context);
  const toml = `${hostTree}[user]\nuid = 4321\ngid = 8765\n[files]\nwrite = ["${directory}"]\n`;
  const script = 'stat -c "%u %g" "$1"; touch "$1/new"; stat -c "%u %g" "$1/new"';
  assert.is(await shout({ toml, command: sh(script, directory) }), "4321 8765\n4321 8765\n");
  const { uid: owner, gid: group } = statSync(`${directory}/new`);
  assert.equal([owner, group], [uid, gid]);
});

test("root inside can do no more to the host's files than the caller", async (context) => {
  const directory = makeScratch(context);
  const toml = `${hostTree}[user]\nuid = "root"\ngid = "root"\n[files]\nwrite = ["${directory}"]\n`;
  const script = `${attempt}cd "$1"; try touch new; try chown 1 new; try chown 0:0 new; try mknod device c 1 3
    try chroot / true; try mount -t tmpfs none /mnt`;
  assert.is(await shout({ toml, command: sh(script, directory) }), "yes\nno\nyes\nno\nno\nno\n");
});

test.needs("user")("another user's files stay out of reach for root inside", async () => {
  const toml = `${hostTree}[user]\nuid = "root"\n`;
  const script = `${attempt}try cat /etc/shadow; try cat /etc/passwd; try touch /root/new`;
  assert.is(await shout({ toml, command: sh(script) }), "no\nyes\nno\n");
});

test.needs("user")(
  "a range of ids is refused to an ordinary user, and the message says who may",
  async () => {
    const toml = `${hostTree}[user]\nuid = "root"\nmap = [{ inside = 0, outside = 100000, count = 65536 }]\n`;
    const { status, stderr } = await jail({ toml, command: ["true"] });
    assert.is(status, 125);
    assert.match(stderr, "user.map");
    assert.match(stderr, "CAP_SETUID");
    assert.match(stderr, "hint:");
  },
);

const range = "map = [{ inside = 0, outside = 100000, count = 65536 }]";

test.needs("root")("root can map a range, and the command is one of it", async () => {
  const toml = `${hostTree}[user]\nuid = 1000\ngid = 1000\n${range}\n`;
  const script = "id -u; id -g; id -G; cat /proc/self/uid_map";
  const output = await shout({ toml, command: sh(script) });
  assert.is(output.replace(/ +/g, " "), "1000\n1000\n1000\n 0 100000 65536\n");
});

test.needs("root")("a process of a mapped range is another user on the host", async () => {
  const toml = `${hostTree}[user]\nuid = 1000\ngid = 1000\n${range}\n`;
  const script = `${attempt}try cat /etc/shadow; try cat /etc/passwd; stat -c %u /etc`;
  assert.is(await shout({ toml, command: sh(script) }), "no\nyes\n65534\n");
});

/** A setuid-root copy of id(1), in a range that a jail maps. */
function makeSetuidProgram(context: TestContext, owner: number): string {
  const path = `${makeScratch(context)}/id`;
  copyFileSync(execFileSync("sh", ["-c", "command -v id"], { encoding: "utf8" }).trim(), path);
  chownSync(path, owner, owner);
  chmodSync(path, 0o6755);
  return path;
}

test.needs("root")(
  "a setuid program gains nothing, unless the profile lets it in four places",
  async (context) => {
    const program = makeSetuidProgram(context, 100000);
    const run = (security: string, nosuid: boolean) => {
      const bind = `[[mount]]\ntype = "bind"\nsource = "${program}"\ntarget = "/id"\nnosuid = ${nosuid}\n`;
      const toml = `${hostTree}${bind}[user]\nuid = 1000\ngid = 1000\n${range}\n[security]\n${security}\n`;
      return shout({ toml, command: sh("/id -u; /id -g") });
    };
    assert.is(await run("", true), "1000\n1000\n");
    assert.is(await run("", false), "1000\n1000\n");
    assert.is(await run(gaining, true), "1000\n1000\n");
    assert.is(await run(gaining, false), "0\n0\n");
  },
);

test.needs("root")("a setuid program of a user that is not mapped gains nothing either", async (context) => {
  const program = makeSetuidProgram(context, 0);
  const bind = `[[mount]]\ntype = "bind"\nsource = "${program}"\ntarget = "/id"\nnosuid = false\n`;
  const toml = `${hostTree}${bind}[user]\nuid = 1000\ngid = 1000\n${range}\n[security]\n${gaining}\n`;
  assert.is(await shout({ toml, command: ["/id", "-u"] }), "1000\n");
});

test.needs("command:su")("the host's own setuid programs give nobody another id", async () => {
  const script = `for program in su mount passwd newgrp sudo pkexec; do
      path=$(command -v "$program") || continue
      if [ -u "$path" ]; then echo "$program"; fi
    done
    su -c 'id -u' nobody </dev/null 2>/dev/null; id -u`;
  const output = await shout({ toml: `${hostTree}[user]\nuid = 4321\n`, command: sh(script) });
  assert.match(output, /^su$/m);
  assert.is(output.trim().split("\n").at(-1), "4321");
  assert.not.match(output, /^(0|65534)$/m);
});

test("no new privileges can be gained, and the profile can say otherwise", async () => {
  const read = async (toml: string) => {
    const status = await shout({ toml, command: ["cat", "/proc/self/status"] });
    return /^NoNewPrivs:\s*(\d)$/m.exec(status)?.[1];
  };
  assert.is(await read(hostTree), "1");
  const outside = /^NoNewPrivs:\s*(\d)$/m.exec(readFileSync("/proc/self/status", "utf8"))?.[1];
  assert.is(await read(`${hostTree}[security]\n${gaining}\n`), outside);
});
