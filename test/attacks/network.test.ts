// time-limit: 300s
// Attacks through sockets and shared objects. In: programs/network.c, servers of our own on the host. The driver is
// attack.ts.
import { readlinkSync } from "node:fs";
import { type AddressInfo, createServer, type Server } from "node:net";
import { join } from "node:path";
import { attacks, type ProfileName } from "./attack.ts";
import { isThere } from "./layers.ts";
import type { World } from "./world.ts";

const attack = attacks("network and shared objects");

/** `dev` has the host's network: docs/security.md, "What is not promised". */
const open: Partial<Record<ProfileName, string>> = { dev: "the network is the host's" };

async function listen(where: number | string): Promise<Server> {
  const server = createServer((socket) => socket.destroy());
  const address = typeof where === "number" ? { port: where, host: "127.0.0.1" } : { path: where };
  await new Promise<void>((done) => server.listen(address, done));
  // Whoever forgets to close it does not hold the process.
  server.unref();
  return server;
}

const tcp = await listen(0);
const port = String((tcp.address() as AddressInfo).port);
const name = `tsjail-attack-${process.pid}`;
const abstract = await listen(`\0${name}`);
attack.test.after(() => {
  tcp.close();
  abstract.close();
});

attack({
  name: "connect to a service on the host's loopback",
  layers: ["network namespace"],
  words: () => ["connect_loopback", port],
  open,
});

attack({
  name: "connect to an abstract socket of the host",
  layers: ["network namespace", "landlock's scopes"],
  words: () => ["connect_unix", `@${name}`],
  ...(isThere("landlock's scopes") ? {} : { open }),
});

let named: Server | undefined;
attack.test.after(() => named?.close());
const socketPath = ({ directory }: World) => join(directory, "socket");

attack({
  name: "connect to a socket that is not shown",
  layers: ["what is shown"],
  words: (world) => ["connect_unix", socketPath(world)],
  prepare: (world) => {
    named ??= createServer((socket) => socket.destroy()).listen(socketPath(world));
    named.unref();
  },
});

attack({
  name: "list the host's sockets by netlink",
  layers: ["network namespace"],
  words: () => ["list_sockets", port],
  open,
});

const hostNetwork = readlinkSync("/proc/self/ns/net");
for (const [title, words, filter] of [
  ["watch the host's network by a packet socket", ["17", "3", "768"], ["seccomp"]],
  ["watch the host's network by a raw socket", ["2", "3", "1"], []],
] as const) {
  attack({
    name: title,
    layers: ["network namespace", "capabilities", "user namespace", ...filter],
    needs: ["root"],
    words: () => ["watch_host", hostNetwork, ...words],
  });
}

attack({
  name: "make a socket to the hypervisor (AF_VSOCK)",
  layers: ["seccomp"],
  words: () => ["make_socket", "40", "1", "0"],
});

const key = String(0x7513 + (process.pid << 16));
const withObjects = ({ program }: World) => [program, "with_ipc", key, `/${name}`];

for (const [title, program, more] of [
  ["attach System V shared memory of the host", "share_memory", []],
  ["open System V queues and semaphores of the host", "share_messages", []],
  ["open a POSIX message queue of the host", "open_queue", ["landlock"]],
] as const) {
  attack({
    name: title,
    layers: ["ipc namespace", ...more],
    words: () => [program, key, `/${name}`],
    through: withObjects,
    twin: { through: withObjects },
  });
}

attack({
  name: "open POSIX shared memory of the host",
  layers: ["what is shown"],
  words: () => ["open_shared", key, `/${name}`],
  through: withObjects,
  twin: { through: withObjects },
});

const withTerminal = ({ program }: World) => [program, "with_terminal"];

attack({
  name: "write to a terminal of the host",
  layers: ["what is shown"],
  words: () => ["write_terminal", "%"],
  through: withTerminal,
  twin: { through: withTerminal },
});
