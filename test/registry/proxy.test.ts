// Which requests go through a proxy. In: variables as curl(1) has them. Out: the proxy, and a pull through one.
import { once } from "node:events";
import { createServer } from "node:http";
import { connect } from "node:net";
import { findProxy } from "../../src/registry/proxy.ts";
import { readRetryAfter, Transport } from "../../src/registry/transport.ts";
import * as assert from "../support/assert.ts";
import { suite } from "../support/suite.ts";
import { makeImage } from "./image.ts";
import { startServer } from "./server.ts";

const test = suite("proxy");
const find = (url: string, environment: Record<string, string>) => findProxy(new URL(url), environment)?.href;

test("the variable of the scheme counts, small letters first", () => {
  const environment = { HTTPS_PROXY: "http://s.example:1", HTTP_PROXY: "http://p.example:2" };
  assert.is(find("https://r.example/", environment), "http://s.example:1/");
  assert.is(find("http://r.example/", environment), "http://p.example:2/");
  assert.is(
    find("https://r.example/", { ...environment, https_proxy: "x.example:3" }),
    "http://x.example:3/",
  );
  assert.is(find("https://r.example/", { ALL_PROXY: "http://a.example" }), "http://a.example/");
  assert.is(find("http://r.example/", { HTTP_PROXY: "http://p.example", REQUEST_METHOD: "GET" }), undefined);
  assert.is(find("https://r.example/", {}), undefined);
});

test("this machine and what NO_PROXY names are spoken to directly", () => {
  const isDirect = (url: string, NO_PROXY: string) =>
    find(url, { HTTPS_PROXY: "http://p.example", NO_PROXY }) === undefined;
  for (const url of ["https://localhost:5000/", "https://127.1.2.3/", "https://[::1]/"])
    assert.ok(isDirect(url, ""), url);
  const direct: [string, string][] = [
    ["https://r.example/", "*"],
    ["https://r.example/", "a, r.example"],
    ["https://a.r.example/", "r.example"],
    ["https://a.r.example/", ".r.example"],
    ["https://r.example:5000/", "r.example:5000"],
    ["https://r.example/", "r.example:443"],
    ["https://10.1.2.3/", "10.0.0.0/8"],
    ["https://10.1.2.3/", "10.1.2.3"],
    ["https://[fd00::1]/", "fd00::/8"],
  ];
  for (const [url, list] of direct) assert.ok(isDirect(url, list), `${url} ${list}`);
  const through: [string, string][] = [
    ["https://r.example/", ""],
    ["https://other.example/", "r.example"],
    ["https://ar.example/", "r.example"],
    ["https://r.example:5000/", "r.example:5001"],
    ["https://11.1.2.3/", "10.0.0.0/8"],
    ["https://10.1.2.3/", "10.0.0.0/99"],
  ];
  for (const [url, list] of through) assert.not.ok(isDirect(url, list), `${url} ${list}`);
});

test("what is no proxy is told, without the password in it", () => {
  assert.throws(
    () => find("https://r.example/", { HTTPS_PROXY: "socks5://ali:secret@p.example" }),
    (error) =>
      /can't be used: it is not the URL of an HTTP/.test(error.message) && !/secret/.test(error.message),
  );
});

test("a request goes through the proxy, with the proxy's password", async (context) => {
  const target = await startServer(context, makeImage());
  const asked: (string | undefined)[] = [];
  const proxy = createServer();
  proxy.on("connect", (request, socket) => {
    asked.push(request.url, request.headers["proxy-authorization"]);
    const [host = "", port = ""] = target.host.split(":");
    const through = connect(Number(port), host, () => socket.write("HTTP/1.1 200 OK\r\n\r\n"));
    socket.on("error", () => {});
    through.pipe(socket).pipe(through);
    context.cleanup(() => through.destroy());
  });
  proxy.listen(0, "127.0.0.1");
  await once(proxy, "listening");
  context.cleanup(() => proxy.close());
  const { port } = proxy.address() as { port: number };
  const environment = { HTTP_PROXY: `http://ali:secret@127.0.0.1:${port}` };
  const transport = new Transport({ environment, plainHttp: true });
  context.cleanup(() => transport.close());
  const answer = await transport.send({ method: "GET", url: new URL("http://r.invalid/v2/") });
  await answer.drop();
  const password = `Basic ${Buffer.from("ali:secret").toString("base64")}`;
  assert.equal([answer.status, ...asked], [200, "r.invalid:80", password]);
});

test("Retry-After is seconds or a date", () => {
  const now = Date.UTC(2026, 0, 1);
  assert.equal(
    ["2", "Thu, 01 Jan 2026 00:00:05 GMT", "Wed, 31 Dec 2025 00:00:00 GMT", "soon", undefined].map((value) =>
      readRetryAfter(value, now),
    ),
    [2000, 5000, 0, 0, 0],
  );
});
