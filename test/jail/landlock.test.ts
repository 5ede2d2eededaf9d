// Landlock in whole jails: ports, abstract sockets and signals, which nothing else keeps in with the host's network, and
// everyday work under the rules for files. In: profiles, servers of this process. Rules by hand: test/native.
import { spawn } from "node:child_process";
import { closeSync, openSync, readFileSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:net";
import * as assert from "../support/assert.ts";
import {
  attempt,
  hostTree,
  jail,
  makeDirectory,
  mount,
  removeDirectory,
  sh,
  shout,
  startJail,
} from "../support/jail.ts";
import { suite, type TestContext } from "../support/suite.ts";

const some = suite("jail: landlock");
const test = some.needs("userns", "landlock:6");
const off = '[security]\nlandlock = "off"\n';
const withHost = `${hostTree}[network]\nmode = "host"\n`;

/** What the client was told, or the error's name, each on a line. */
const client = `const net = require("node:net");
  for (const where of process.argv.slice(1)) {
    const path = where.startsWith("@") ? { path: "\\0" + where.slice(1) } : { host: "127.0.0.1", port: Number(where) };
    net.connect(path).on("error", (error) => console.log(error.code)).on("data", (data) => console.log(String(data)));
  }`;
const connect = async (toml: string, where: string | number) =>
  (await shout({ toml, command: [process.execPath, "-e", client, String(where)] })).trim();

const server = `const server = require("node:net").createServer().on("error", (error) => console.log(error.code));
  server.listen(Number(process.argv[1]), "127.0.0.1", () => { console.log("up"); server.close(); });`;
const serve = async (toml: string, port: number) =>
  (await shout({ toml, command: [process.execPath, "-e", server, String(port)] })).trim();

async function listen({ cleanup }: TestContext, where: number | string): Promise<Server> {
  const made = createServer((socket) => {
    // Whoever comes may be gone again before he has read it.
    socket.on("error", () => {});
    socket.resume().end("hello");
  });
  cleanup(() => new Promise((closed) => made.close(closed)));
  await new Promise<void>((ready, fail) => {
    made.once("error", fail);
    if (typeof where === "string") made.listen(where, ready);
    else made.listen(where, "127.0.0.1", ready);
  });
  return made;
}

function portOf(made: Server): number {
  const address = made.address();
  return typeof address === "object" && address !== null ? address.port : 0;
}

/** A port that was free a moment ago. */
async function findPort(): Promise<number> {
  const made = createServer();
  await new Promise<void>((ready) => made.listen(0, "127.0.0.1", ready));
  const port = portOf(made);
  await new Promise((closed) => made.close(closed));
  return port;
}

test("the ports that can be connected to are those that are named", async (context) => {
  const [here, there] = [portOf(await listen(context, 0)), portOf(await listen(context, 0))];
  const limited = `${withHost}connect = [${here}]\n`;
  assert.equal([await connect(limited, here), await connect(limited, there)], ["hello", "EACCES"]);
  assert.is(await connect(withHost, there), "hello");
  assert.is(await connect(`${withHost}connect = []\n`, here), "EACCES");
  // The other right is not restricted by it.
  assert.is(await serve(limited, await findPort()), "up");
});

test("the ports that can be served on are those that are named", async (context) => {
  const port = await findPort();
  const limited = `${withHost}bind = [${port}]\n`;
  assert.equal([await serve(limited, port), await serve(limited, await findPort())], ["up", "EACCES"]);
  assert.equal([await serve(limited, 0), await serve(`${withHost}bind = [0]\n`, 0)], ["EACCES", "up"]);
  assert.is(await serve(withHost, port), "up");
  const other = portOf(await listen(context, 0));
  assert.is(await connect(`${withHost}bind = []\n`, other), "hello");
});

some.needs(
  "userns",
  "landlock:6",
  "command:python3",
)("no other protocol and no other call gets around the ports", async (context) => {
  const port = portOf(await listen(context, 0));
  const script = `import errno, socket, sys
def attempt(name, protocol, call):
    try:
        call(socket.socket(socket.AF_INET, socket.SOCK_STREAM, protocol))
        print(name, "ok")
    except OSError as error:
        print(name, errno.errorcode[error.errno])
there = ("127.0.0.1", int(sys.argv[1]))
attempt("multipath", 262, lambda one: one.connect(there))
attempt("sendto", 0, lambda one: one.sendto(b"x", 0x20000000, there))
attempt("sendmsg", 0, lambda one: one.sendmsg([b"x"], [], 0x20000000, there))
attempt("connect", 0, lambda one: one.connect(there))
`;
  const say = async (toml: string) => {
    const output = await shout({ toml, command: ["python3", "-c", script, String(port)] });
    return Object.fromEntries(
      output
        .trim()
        .split("\n")
        .map((line) => line.split(" ")),
    );
  };
  assert.equal(await say(`${withHost}connect = []\n`), {
    ...{ multipath: "EPROTONOSUPPORT", sendto: "ENOTSUP", sendmsg: "ENOTSUP", connect: "EACCES" },
  });
  const open = await say(withHost);
  assert.is(open.connect, "ok");
  assert.is.not(open.sendto, "ENOTSUP");
});

test("the host's abstract sockets are out of reach, unless it is off; the jail's own are not", async (context) => {
  const name = `tsjail-landlock-${process.pid}`;
  await listen(context, `\0${name}`);
  assert.is(await connect(withHost, `@${name}`), "EPERM");
  assert.is(await connect(withHost + off, `@${name}`), "hello");
  const own = `const net = require("node:net");
    const server = net.createServer((socket) => socket.end("own"));
    server.listen("\\0own-" + process.pid, () => net.connect("\\0own-" + process.pid)
      .on("data", (data) => { console.log(String(data)); server.close(); }));`;
  assert.is(await shout({ toml: withHost, command: [process.execPath, "-e", own] }), "own\n");
});

test("signals reach the jail's own processes, and not those outside where these are seen", async ({
  cleanup,
}) => {
  const victim = spawn("sleep", ["60"]);
  cleanup(() => victim.kill("SIGKILL"));
  const script = `${attempt}try kill -0 "$1"; sleep 60 & try kill $!`;
  const toml = `${hostTree}[namespaces]\npid = "host"\n`;
  assert.is(await shout({ toml, command: sh(script, String(victim.pid)) }), "no\nyes\n");
  assert.is(await shout({ toml: toml + off, command: sh(script, String(victim.pid)) }), "yes\nyes\n");
});

test("a signal to tsjail still reaches the command", async () => {
  const script = `process.on("SIGTERM", () => { console.log("caught"); process.exit(3); });
    setInterval(() => {}, 1000); console.log("ready");`;
  const running = startJail({ toml: hostTree, command: [process.execPath, "-e", script] });
  await running.waitFor("ready\n");
  running.child.kill("SIGTERM");
  const { status, stdout } = await running.ended;
  assert.equal([status, stdout], [3, "ready\ncaught\n"]);
});

const files = `${mount("tmpfs", { target: "/tmp" })}`;

test("everyday work goes on under the rules for files", async ({ cleanup }) => {
  const directory = makeDirectory("landlock");
  cleanup(() => removeDirectory(directory));
  writeFileSync(`${directory}/in`, "in\n");
  const script = `set -e
    cd "$1"; mkdir a b; echo text >a/x; mv a/x b/y; ln b/y a/z; ln -s z a/w; : >b/y; cp /bin/true a/true; a/true
    echo 100 >/proc/self/oom_score_adj; echo x >/dev/null; head -c1 /dev/urandom >/dev/null; mkfifo b/p
    cat <in; sh -c 'cat /dev/stdin' <in; cat /proc/self/comm
    rm -r a b; test -e /tmp; date +%s >/tmp/date; sort -o /tmp/date /tmp/date; ls /proc/self/fd/ >/dev/null`;
  const toml = `${hostTree}[files]\nwrite = ["${directory}"]\n${files}`;
  const expected = { status: 0, signal: null, stdout: "in\nin\ncat\n", stderr: "" };
  assert.equal(await jail({ toml, command: sh(script, directory) }), expected);
  assert.equal(await jail({ toml: toml + off, command: sh(script, directory) }), expected);
});

test("what is read-only is so without Landlock, too", async ({ cleanup }) => {
  const directory = makeDirectory("landlock");
  cleanup(() => removeDirectory(directory));
  writeFileSync(`${directory}/note`, "note\n");
  const script = `${attempt}try touch "$1/new"; try sh -c 'echo x >"$1/note"' sh "$1"; try rm "$1/note"; try touch /usr/new
    try cat "$1/note"`;
  for (const toml of [hostTree, hostTree + off]) {
    assert.is(await shout({ toml, command: sh(script, directory) }), "no\nno\nno\nno\nyes\n");
  }
  const writable = `${hostTree}[files]\nwrite = ["${directory}"]\n`;
  assert.is(await shout({ toml: writable, command: sh(script, directory) }), "yes\nyes\nyes\nno\nno\n");
});

test("a file on standard input or output can be opened again, in the same way", async ({ cleanup }) => {
  const directory = makeDirectory("landlock");
  cleanup(() => removeDirectory(directory));
  writeFileSync(`${directory}/in`, "in\n");
  const script = `${attempt}cat /dev/stdin; try sh -c 'echo more >>/proc/self/fd/0'; echo out >>/dev/stdout`;
  for (const [name, more, writes] of [
    ["on", "", "no"],
    ["off", off, "yes"],
  ] as const) {
    const stdio = [
      openSync(`${directory}/in`, "r"),
      openSync(`${directory}/${name}`, "a"),
      "inherit" as const,
    ];
    const hidden = `${hostTree}[files]\nhide = ["${directory}"]\n`;
    const { status } = await startJail({ toml: hidden + more, command: sh(script), stdio }).ended;
    for (const fd of stdio) if (typeof fd === "number") closeSync(fd);
    assert.is(status, 0);
    assert.is(readFileSync(`${directory}/${name}`, "utf8"), `in\n${writes}\nout\n`);
  }
});

test("a directory that is handed in is no way out of it", async ({ cleanup }) => {
  const directory = makeDirectory("landlock");
  cleanup(() => removeDirectory(directory));
  writeFileSync(`${directory}/note`, "note\n");
  const script = `${attempt}cd /proc/self/fd/0; try cat note; try touch made; try cat ../../etc/passwd`;
  const toml = `${hostTree}[process]\ntty = "never"\n[files]\nhide = ["/etc", "${directory}"]\n`;
  for (const [more, leaves] of [
    ["", "no"],
    [off, "yes"],
  ] as const) {
    const stdin = openSync(directory, "r");
    const running = startJail({ toml: toml + more, command: sh(script), stdio: [stdin, "pipe", "inherit"] });
    closeSync(stdin);
    assert.is((await running.ended).stdout, `yes\nyes\n${leaves}\n`);
  }
});

test("noexec holds twice where nothing that can be written can be executed", async () => {
  const { stdout } = await jail({
    profile: "untrusted",
    options: ["--no-tty"],
    command: sh("cp /usr/bin/true /tmp/t; /tmp/t; echo $?"),
  });
  assert.is(stdout, "126\n");
});

test("required starts where the kernel has it all", async () => {
  const required = '[security]\nlandlock = "required"\n';
  assert.is(await shout({ toml: hostTree + required, command: ["echo", "up"] }), "up\n");
  const { status, stderr } = await jail({
    toml: `${hostTree}${required}[namespaces]\nnested = true\n`,
    command: ["true"],
  });
  assert.is(status, 125);
  assert.match(stderr, "security.landlock in ");
  assert.match(stderr, "namespaces.nested in ");
});

some.needs("userns", "command:unshare")(
  "with nested user namespaces the jail can mount, as without it",
  async () => {
    const script = "unshare -Urm sh -c 'mount -t tmpfs none /tmp && echo mounted'";
    const user = process.getuid?.() === 0 ? "[user]\nuid = 1000\ngid = 1000\n" : "";
    assert.is(
      await shout({ toml: `${hostTree}${user}[namespaces]\nnested = true\n`, command: sh(script) }),
      "mounted\n",
    );
  },
);
