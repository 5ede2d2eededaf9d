// Root emulation, with the tools that need it: those of this machine, on a directory of the test's own as the root.
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { constants, open } from "node:fs/promises";
import { join } from "node:path";
import * as assert from "../support/assert.ts";
import {
  hostPrograms,
  jail,
  makeDirectory,
  mount,
  removeDirectory,
  sh,
  shout,
  startJail,
} from "../support/jail.ts";
import { until } from "../support/process.ts";
import { suite, type TestContext } from "../support/suite.ts";

const test = suite("jail: root emulation");
const root = '[user]\nuid = "root"\ngid = "root"\n';
const emulated = `${root}emulate = true\n`;

/** A system with three users and nothing of its own but /etc. */
function makeSystem({ cleanup }: TestContext): string {
  const directory = makeDirectory("system");
  cleanup(() => removeDirectory(directory));
  for (const name of [
    "etc",
    "work",
    "home",
    "tmp",
    "var/lib/dpkg/info",
    "var/lib/dpkg/updates",
    "var/lib/dpkg/triggers",
  ])
    mkdirSync(join(directory, name), { recursive: true });
  const users = ["root:x:0:0:root:/root:/bin/sh", "daemon:x:1:1::/:/bin/sh", "mail:x:8:8::/:/bin/sh"];
  writeFileSync(join(directory, "etc/passwd"), `${users.join("\n")}\n`);
  writeFileSync(join(directory, "etc/group"), "root:x:0:\ndaemon:x:1:\nmail:x:8:\ntty:x:5:\n");
  writeFileSync(join(directory, "etc/shadow"), "root:*:1::::::\ndaemon:*:1::::::\nmail:*:1::::::\n");
  writeFileSync(join(directory, "etc/gshadow"), "root:*::\ndaemon:*::\nmail:*::\n");
  for (const name of ["status", "available"]) writeFileSync(join(directory, "var/lib/dpkg", name), "");
  return directory;
}

const system = (path: string, more = emulated) =>
  `${hostPrograms}[root]\ntype = "directory"\npath = "${path}"\nwritable = "yes"\n${mount("tmpfs", { target: "/tmp" })}${more}`;

/** What a script says in /work of a fresh system, and its status in the last line; without emulation, and with it. */
async function compare(context: TestContext, script: string, ...words: string[]) {
  const run = async (more: string) => {
    const command = sh(`export PATH=/usr/sbin:/usr/bin:/sbin:/bin; cd /work; ${script}`, ...words);
    const { stdout, stderr, status } = await jail({ toml: system(makeSystem(context), more), command });
    return { said: stdout.trim(), status, complaint: stderr };
  };
  return { without: await run(root), with: await run(emulated) };
}

const works: readonly (readonly [title: string, tools: readonly string[], script: string, said: string])[] = [
  [
    "chown and chgrp",
    [],
    "touch a; chown daemon:mail a && chgrp tty a && chown -h -R 7:7 . && echo ok",
    "ok",
  ],
  [
    "install -o and -g",
    [],
    "echo x > a; install -o daemon -g mail -m 4755 a b && stat -c '%a %U' b",
    "4755 root",
  ],
  [
    "tar, of what others own",
    ["tar"],
    "touch a; tar --owner=mail:8 --group=mail:8 -cf a.tar a; rm a; tar -xpf a.tar && stat -c '%n %U' a",
    "a root",
  ],
  [
    "a tool that becomes another user, and looks at it",
    ["setpriv"],
    "setpriv --reuid daemon --regid mail --groups 5,8 sh -c 'id -u; id -g; id -G; setpriv --reuid 0 true || echo no'",
    "1\n8\n8 5\nno",
  ],
  [
    "useradd",
    ["useradd"],
    "useradd -m -d /home/ann -s /bin/sh ann && id -u ann && ls -d /home/ann",
    "1000\n/home/ann",
  ],
  [
    "dpkg, of a package with other owners, and its next version",
    ["dpkg", "dpkg-deb"],
    `mkdir -p p/DEBIAN p/opt/thing; echo x > p/opt/thing/file; chmod 555 p/opt/thing
    printf '#!/bin/sh\nset -e\nchown daemon:mail /opt/thing/file\n' > p/DEBIAN/postinst; chmod 755 p/DEBIAN/postinst
    for version in 1 2; do
      printf 'Package: thing\nVersion: %s\nArchitecture: all\nMaintainer: A <a@example.org>\nDescription: d\n' $version > p/DEBIAN/control
      dpkg-deb -b p thing.deb >&2 && dpkg -i thing.deb >&2
    done; dpkg-query -W -f '\${Version} \${db:Status-Abbrev}\\n' thing; cat /opt/thing/file; chmod 755 /opt/thing p/opt/thing`,
    "2 ii \nx",
  ],
];

for (const [title, tools, script, said] of works) {
  test.needs(...tools.map((tool) => `command:${tool}` as const))(`it helps ${title}`, async (context) => {
    const result = await compare(context, script);
    assert.equal([result.with.said, result.with.status], [said, 0], result.with.complaint);
    // shadow's tools only complain of an owner that can't be set
    if (title !== "useradd") assert.is.not(`${result.without.said} ${result.without.status}`, `${said} 0`);
  });
}

test("what goes without goes as well with it", async (context) => {
  const script = `umask 022; touch a; chown 0:0 a; chown 0 missing 2>/dev/null || echo missing; mkfifo p; cp -a a b; ln -s a l
  chown -h root l; mkdir d; chmod 2755 d; stat -c '%n %a %F' a b d l p; command -v git >/dev/null && git init -q . ; id -u`;
  const result = await compare(context, script);
  assert.is(result.with.said, result.without.said);
  assert.match(result.with.said, "missing\na 644");
  assert.is(result.with.status, 0, result.with.complaint);
});

test("root writes to directories and files without w", async (context) => {
  const script =
    "mkdir d; touch d/f; chmod 0 d/f; chmod 500 d; echo x > d/f && touch d/g && cat d/f; chmod 700 d";
  const result = await compare(context, script);
  assert.equal([result.with.said, result.with.status], ["x", 0]);
  assert.is(result.without.said, "");
});

test.needs("command:python3")(
  "attributes of root's are forgotten, a user's own are kept",
  async (context) => {
    const script = `python3 - <<'END'
import os, struct
open("f", "w").close()
def tell(name, value):
    try:
        os.setxattr("f", name, value)
        print(name, "ok")
    except OSError as error: print(name, error.errno)
acl = lambda *entries: struct.pack("<I", 2) + b"".join(struct.pack("<HHI", *each) for each in entries)
own, group, mask, other = (1, 6, 0xffffffff), (4, 4, 0xffffffff), (16, 6, 0xffffffff), (32, 4, 0xffffffff)
tell("trusted.a", b"1")
tell("security.capability", struct.pack("<IIIII", 0x2000001, 1 << 13, 0, 0, 0))
tell("user.a", b"1")
tell("system.posix_acl_access", acl(own, (2, 6, 8), group, mask, other))
tell("system.posix_acl_access", acl(own, (4, 6, 0xffffffff), other))
tell("nonsense", b"1")
print(os.listxattr("f"), oct(os.stat("f").st_mode))
END`;
    const result = await compare(context, script);
    const kept =
      "user.a ok\nsystem.posix_acl_access ok\nsystem.posix_acl_access ok\nnonsense 95\n['user.a'] 0o100664";
    assert.is(result.with.said, `trusted.a ok\nsecurity.capability ok\n${kept}`);
    assert.match(
      result.without.said,
      "trusted.a 1\nsecurity.capability 1\nuser.a ok\nsystem.posix_acl_access 22\n",
    );
  },
);

test("what the policy refuses stays refused", async (context) => {
  const command = sh("touch /work/a; chown 5:5 /work/a");
  const refusing = `${emulated}[security.syscalls]\nchown = "EACCES"\nfchownat = "EACCES"\n`;
  const { status, stderr } = await jail({ toml: system(makeSystem(context), refusing), command });
  assert.is(status, 1);
  assert.match(stderr, "Permission denied");
  assert.is(await shout({ toml: system(makeSystem(context)), command }), "");
});

test("where a device is made there is a file, and what is refused to any file is refused", async (context) => {
  const script = `umask 022; exec 2>&1; try() { "$@" >/dev/null 2>&1 && echo yes || echo no; }
  mkdir -p a/b; ln -s /work/a l; cd a/b; echo kept > kept
  for name in one /work/l/two ../three ../../../../../four; do try mknod -m 640 $name c 1 3; done
  try mknod kept c 1 3; try mknod nowhere/x c 1 3; try mknod /proc/x b 7 0; try mknod kept/x c 1 3; try mknod "" c 1 3
  cat kept; mkdir gone; cd gone; rmdir ../gone; try mknod x c 1 3
  cd /work; stat -c '%n %a %F %s' a/b/one a/two a/three /four`;
  const result = await compare(context, script);
  const made = ["a/b/one", "a/two", "a/three", "/four"].map((name) => `${name} 640 regular empty file 0`);
  const answers = ["yes", "yes", "yes", "yes", "no", "no", "no", "no", "no", "kept", "no"];
  assert.equal(result.with.said.split("\n"), [...answers, ...made]);
  assert.match(result.without.said, /^no\nno\nno\nno\nno\n/);
});

test.needs("command:python3", "command:tar")(
  "tar unpacks devices, with their modes and times",
  async (context) => {
    const script = `python3 -c '
import tarfile
with tarfile.open("t.tar", "w") as archive:
    for name, kind in (("null", tarfile.CHRTYPE), ("disk", tarfile.BLKTYPE), ("fifo", tarfile.FIFOTYPE)):
        entry = tarfile.TarInfo(name)
        entry.type, entry.mode, entry.uid, entry.gid, entry.mtime, entry.devmajor = kind, 0o640, 0, 6, 86400, 1
        archive.addfile(entry)
'; tar -xpf t.tar && stat -c "%n %a %F %Y" null disk fifo`;
    const result = await compare(context, script);
    const file = "640 regular empty file 86400";
    assert.is(result.with.said, `null ${file}\ndisk ${file}\nfifo 640 fifo 86400`, result.with.complaint);
    assert.is(result.without.said, "");
  },
);

test("a device is made nowhere but in the jail, by whatever descriptor or link", async (context) => {
  const directory = makeSystem(context);
  const outside = makeDirectory("outside");
  context.cleanup(() => removeDirectory(outside));
  // /out leads to the host's path, where the jail has nothing; the descriptor is of the host's directory itself
  const script = `ln -s ${outside} /out; mknod /out/x c 1 3 || echo no; cd /proc/self/fd/0/ && mknod x c 1 3 || echo no
  mknod /proc/self/fd/0/x c 1 3 || echo no; mknod /work/x c 1 3 && echo made`;
  const handle = await open(outside, constants.O_RDONLY);
  context.cleanup(() => handle.close());
  const running = startJail({
    toml: system(directory),
    command: sh(script),
    stdio: [handle.fd, "pipe", "pipe"],
  });
  const { stdout } = await running.ended;
  assert.is(stdout, "no\nno\nno\nmade\n");
  assert.equal(readdirSync(outside), []);
});

/** Of tsjail's children: init has the command below it, Node may not have gone yet, and who answers for root emulation
 * has nobody. */
async function findEmulator(monitor: number): Promise<number> {
  const children = (pid: number) =>
    readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").trim().split(" ").filter(Boolean).map(Number);
  await until(() => children(monitor).length === 2, `${monitor} to have two children`);
  const found = children(monitor).find((pid) => children(pid).length === 0);
  if (found === undefined) throw new Error(`all children of ${monitor} have children`);
  return found;
}

for (const isEnded of [false, true])
  test(`a jail ${isEnded ? "ends with" : "goes on beside"} who answers for it`, async (context) => {
    const script = "echo up; read -r line; chown 1:1 /work && echo went on";
    const running = startJail({ toml: system(makeSystem(context)), command: sh(script) });
    await running.waitFor("up");
    const emulator = await findEmulator(running.child.pid ?? 0);
    if (isEnded) process.kill(emulator, "SIGKILL");
    else running.child.stdin?.end("line\n");
    const { stdout, stderr, status } = await running.ended;
    assert.equal(
      { stdout, status },
      isEnded ? { stdout: "up\n", status: 137 } : { stdout: "up\nwent on\n", status: 0 },
    );
    assert.is(stderr, "");
  });
