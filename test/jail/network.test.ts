// The network: a loopback device of the jail's own and nothing else, or the host's. In: servers of this process and of
// the jail, on ports that the kernel chooses.
import { createServer, type Server } from "node:net";
import { networkInterfaces } from "node:os";
import * as assert from "../support/assert.ts";
import { hostTree, makeDirectory, removeDirectory, sh, shout } from "../support/jail.ts";
import { suite, type TestContext } from "../support/suite.ts";

const test = suite("jail: network");
const withHost = `${hostTree}[network]\nmode = "host"\n`;

/** What happens to a client in a jail: the server's words, or the error's name. */
async function connect(toml: string, address: string | number, host = "127.0.0.1"): Promise<string> {
  const where = typeof address === "number" ? { host, port: address } : { path: address };
  const script = `require("node:net").connect(${JSON.stringify(where)})
    .on("error", (error) => console.log(error.code)).on("data", (data) => console.log(String(data)))`;
  return (await shout({ toml, command: [process.execPath, "-e", script] })).trim();
}

async function serve({ cleanup }: TestContext, ...where: [number, string] | [string]): Promise<Server> {
  const server = createServer((socket) => socket.end("hello"));
  cleanup(() => new Promise((closed) => server.close(closed)));
  await new Promise<void>((ready, fail) => {
    server.once("error", fail);
    if (where.length === 1) server.listen(where[0], ready);
    else server.listen(where[0], where[1], ready);
  });
  return server;
}

function portOf(server: Server): number {
  const address = server.address();
  return typeof address === "object" && address !== null ? address.port : 0;
}

test("a jail has a loopback device and no other", async () => {
  const script = "sed -n 's/^ *\\([^ :]*\\):.*/\\1/p' /proc/net/dev";
  assert.is(await shout({ toml: hostTree, command: sh(script) }), "lo\n");
  const theirs = await shout({ toml: withHost, command: sh(script) });
  for (const name of Object.keys(networkInterfaces())) assert.match(theirs, name);
});

test("a jail has no route", async () => {
  const routes = await shout({ toml: hostTree, command: ["cat", "/proc/net/route"] });
  assert.is(routes.trim().split("\n").length, 1);
  assert.match(routes, "Destination");
});

test("an address outside can't be reached", async () => {
  // 192.0.2.0/24 belongs to nobody (RFC 5737).
  assert.is(await connect(hostTree, 9, "192.0.2.1"), "ENETUNREACH");
});

test("a server and a client in the same jail find each other on the loopback device", async () => {
  const script = `const net = require("node:net");
    const server = net.createServer((socket) => socket.end("inside"));
    server.listen(0, process.argv[1], () => net.connect(server.address().port, process.argv[1])
      .on("data", (data) => { console.log(String(data)); server.close(); }));`;
  const command = [process.execPath, "-e", script, "127.0.0.1"];
  assert.is(await shout({ toml: hostTree, command }), "inside\n");
});

test("the host's server on the loopback device is out of reach, unless the network is the host's", async (context) => {
  const port = portOf(await serve(context, 0, "127.0.0.1"));
  assert.is(await connect(hostTree, port), "ECONNREFUSED");
  assert.is(await connect(withHost, port), "hello");
  assert.is(await connect(`${hostTree}[namespaces]\nnet = "private"\n`, port), "ECONNREFUSED");
});

test("--net says what the network is, over the profile", async (context) => {
  const port = portOf(await serve(context, 0, "127.0.0.1"));
  const script = `require("node:net").connect(${port}, "127.0.0.1")
    .on("error", (error) => console.log(error.code)).on("data", (data) => console.log(String(data)))`;
  const command = [process.execPath, "-e", script];
  assert.is(await shout({ toml: hostTree, options: ["--net", "host"], command }), "hello\n");
  assert.is(await shout({ toml: withHost, options: ["--net", "none"], command }), "ECONNREFUSED\n");
});

test("the host's abstract Unix sockets are out of reach, unless the network is the host's and Landlock is off", async (context) => {
  const name = `\0tsjail-test-${process.pid}`;
  await serve(context, name);
  assert.is(await connect(hostTree, name), "ECONNREFUSED");
  const off = `${withHost}[security]\nlandlock = "off"\n`;
  assert.is(await connect(off, name), "hello");
});

test("a Unix socket of the host's is reached by its path, where that is not hidden", async (context) => {
  const directory = makeDirectory("network");
  context.cleanup(() => removeDirectory(directory));
  const path = `${directory}/socket`;
  await serve(context, path);
  assert.is(await connect(hostTree, path), "hello");
  assert.is(await connect(`${hostTree}[files]\nhide = ["${path}"]\n`, path), "EACCES");
  assert.is(await connect(`${hostTree}[files]\nhide = ["${directory}"]\n`, path), "ENOENT");
});

test("two jails at the same time can serve on the same port", async () => {
  const script = `const server = require("node:net").createServer();
    server.listen(48123, "127.0.0.1", () => { console.log("up"); setTimeout(() => server.close(), 500); })`;
  const command = [process.execPath, "-e", script];
  const outputs = await Promise.all([1, 2].map(() => shout({ toml: hostTree, command })));
  assert.equal(outputs, ["up\n", "up\n"]);
});
