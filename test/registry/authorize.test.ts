// Who gets which secret. In: registries that ask for passwords and tokens, and refer to others. Out: what each of them
// was sent.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import * as assert from "../support/assert.ts";
import { suite, type TestContext } from "../support/suite.ts";
import { makeImage } from "./image.ts";
import { type Seen, startServer, type Trick } from "./server.ts";
import { fails, listBlobs, makeScratch, pull } from "./world.ts";

const test = suite("authorize");
const basic = `Basic ${Buffer.from("ali:open sesame").toString("base64")}`;

/** An environment whose auth file has a password, or a refresh token, for any of these hosts. */
function logIn(
  context: TestContext,
  hosts: readonly string[],
  entry: object = {},
): { REGISTRY_AUTH_FILE: string } {
  const path = join(makeScratch(context), "auth.json");
  const auth = { auth: basic.slice("Basic ".length), ...entry };
  writeFileSync(path, JSON.stringify({ auths: Object.fromEntries(hosts.map((host) => [host, auth])) }));
  return { REGISTRY_AUTH_FILE: path };
}

/** Wants a token of a token server, which is the same server unless told. */
function wantToken(realm?: string): Trick {
  return ({ path, headers }, response, _count, host) => {
    if (path.startsWith("/token")) {
      response.end('{"token":"a.token"}');
      return true;
    }
    if (path === "/v2/" || headers.authorization === "Bearer a.token") return false;
    const challenge = `Bearer realm="${realm ?? `http://${host}/token`}",service="a \\"test\\""`;
    response.writeHead(401, { "www-authenticate": `Negotiate, ${challenge}` }).end("{}");
    return true;
  };
}

const sentTo = (seen: readonly Seen[], start: string) => seen.filter(({ path }) => path.startsWith(start));

test("a token is fetched once, for reading this repository and no more, with the password", async (context) => {
  const server = await startServer(context, makeImage([10, 10, 10]), wantToken());
  await pull(context, server, { environment: logIn(context, [server.host]) });
  const [asked, ...more] = sentTo(server.seen, "/token");
  assert.equal([more, asked?.headers.authorization], [[], basic]);
  const fields = Object.fromEntries(new URL(asked?.path ?? "", "http://a").searchParams);
  assert.equal(fields, { service: 'a "test"', scope: "repository:app:pull", account: "ali" });
  const rest = sentTo(server.seen, "/v2/app/").map(({ headers }) => headers.authorization);
  assert.equal([...new Set(rest)], [undefined, "Bearer a.token"]);
});

test("without a password the token server is asked all the same", async (context) => {
  const server = await startServer(context, makeImage(), wantToken());
  await pull(context, server);
  assert.is(sentTo(server.seen, "/token")[0]?.headers.authorization, undefined);
  const entry = { environment: logIn(context, [server.host]), anonymous: true };
  await pull(context, server, entry);
  assert.is(sentTo(server.seen, "/token")[1]?.headers.authorization, undefined);
});

test("a refresh token is sent in the body of a POST", async (context) => {
  const server = await startServer(context, makeImage(), wantToken());
  await pull(context, server, { environment: logIn(context, [server.host], { identitytoken: "it" }) });
  const [asked] = sentTo(server.seen, "/token");
  assert.equal([asked?.method, asked?.path, asked?.headers.authorization], ["POST", "/token", undefined]);
});

test("a token server without TLS on another host is not asked", async (context) => {
  const server = await startServer(context, makeImage(), wantToken("http://tokens.invalid/token"));
  const environment = logIn(context, [server.host]);
  await fails(pull(context, server, { environment }), /^tokens\.invalid would be asked without TLS/);
  assert.ok(server.seen.every(({ headers }) => headers.authorization === undefined));
});

test("a registry that refuses every token is asked twice and no more", async (context) => {
  const never: Trick = (request, response, count, host) => {
    if (request.headers.authorization === undefined || request.path.startsWith("/token"))
      return wantToken()(request, response, count, host);
    const challenge = `Bearer realm="http://${host}/token"`;
    response.writeHead(401, { "www-authenticate": challenge }).end('{"errors":[{"code":"DENIED"}]}');
    return true;
  };
  const server = await startServer(context, makeImage(), never);
  const message = await fails(
    pull(context, server),
    /does not give the manifest latest of app: 401 \w+: DENIED/,
  );
  assert.match(message, /asked without a name and a password\.\n {2}hint: Log in: podman login 127/);
  assert.is(sentTo(server.seen, "/v2/app/").length, 2);
});

test("a wrong password is sent once, and the message tells whose it was", async (context) => {
  const wrong: Trick = ({ path }, response) => {
    if (path === "/v2/") return false;
    response.writeHead(401, { "www-authenticate": 'Basic realm="x"' }).end();
    return true;
  };
  const server = await startServer(context, makeImage(), wrong);
  const environment = logIn(context, [server.host]);
  const message = await fails(pull(context, server, { environment }), /401 Unauthorized/);
  assert.match(
    message,
    /It was asked as ali, with what \S+auth\.json has\.\n {2}hint: Log in as somebody who may/,
  );
  assert.not.match(message, /sesame/);
  assert.equal(
    sentTo(server.seen, "/v2/app/").map(({ headers }) => headers.authorization),
    [undefined, basic],
  );
});

test("a redirect to another host gets the request without the password or token", async (context) => {
  const image = makeImage();
  const other = await startServer(context, image, ({ path }, response) => {
    response.end(image.blobs.find(({ digest }) => path.includes(digest))?.bytes);
    return true;
  });
  const elsewhere: Trick = (request, response, count, host) => {
    if (wantToken()(request, response, count, host)) return true;
    if (!request.path.includes("/blobs/")) return false;
    response.writeHead(307, { location: `http://${other.host}${request.path}?signature=s` }).end();
    return true;
  };
  const server = await startServer(context, image, elsewhere);
  const environment = logIn(context, [server.host, other.host]);
  assert.is(listBlobs(await pull(context, server, { environment })).length, 4);
  assert.equal(
    other.seen.map(({ headers }) => headers.authorization),
    [undefined, undefined, undefined],
  );
  // The allowed twin: within the host it goes along.
  const within = await startServer(context, image, (request, response, count, host) => {
    if (wantToken()(request, response, count, host)) return true;
    if (!request.path.endsWith("/manifests/latest")) return false;
    response.writeHead(307, { location: "/v2/app/manifests/other" }).end();
    return true;
  });
  await pull(context, within);
  assert.is(sentTo(within.seen, "/v2/app/manifests/other")[0]?.headers.authorization, "Bearer a.token");
});

test("redirects without an end, to plain HTTP elsewhere, and of another kind are refused", async (context) => {
  const to = (location: string): Trick => {
    return ({ path }, response) => {
      if (path === "/v2/") return false;
      response.writeHead(302, { location }).end();
      return true;
    };
  };
  const cases: [string, RegExp][] = [
    ["?again", /redirects more than 5 times/],
    ["http://elsewhere.invalid/", /refers to http:\/\/elsewhere\.invalid\/, without TLS/],
    ["ftp://elsewhere.invalid/", /without TLS/],
    ["http://", /refers to something that is no address/],
  ];
  for (const [location, message] of cases)
    await fails(pull(context, await startServer(context, makeImage(), to(location))), message);
});

test("a token that is no token, and one that is refused, are told", async (context) => {
  const answer = (status: number, text: string): Trick => {
    return (request, response, count, host) => {
      if (!request.path.startsWith("/token")) return wantToken()(request, response, count, host);
      response.writeHead(status).end(text);
      return true;
    };
  };
  const cases: [number, string, RegExp][] = [
    [200, "{}", /gives no token in its answer/],
    [200, '{"token":"a\\r\\nb"}', /gives no token in its answer/],
    [
      401,
      '{"details":"incorrect password"}',
      /refuses a token for 127\S+: 401 Unauthorized: incorrect password/,
    ],
  ];
  for (const [status, text, message] of cases)
    await fails(pull(context, await startServer(context, makeImage(), answer(status, text))), message);
  await pull(context, await startServer(context, makeImage(), answer(200, '{"access_token":"a.token"}')));
});
