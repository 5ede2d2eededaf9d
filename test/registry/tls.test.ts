// Registries with TLS. In: a server with a certificate that openssl has made. Out: what is trusted, and that nobody is
// spoken to without TLS in its place.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { execa } from "execa";
import * as assert from "../support/assert.ts";
import { suite, type TestContext } from "../support/suite.ts";
import { makeImage } from "./image.ts";
import { startServer, type Trick } from "./server.ts";
import { fails, listBlobs, makeScratch, pull } from "./world.ts";

const test = suite("tls").needs("command:openssl");

interface Certificate {
  readonly key: Buffer;
  readonly cert: Buffer;
  /** An environment that trusts it. */
  readonly environment: { readonly NODE_EXTRA_CA_CERTS: string };
}

/** @param address that it is for */
async function makeCertificate(context: TestContext, address = "127.0.0.1"): Promise<Certificate> {
  const scratch = makeScratch(context);
  const [key, cert] = [join(scratch, "key.pem"), join(scratch, "cert.pem")];
  const kind = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"];
  const name = ["-subj", "/CN=a test", "-addext", `subjectAltName=IP:${address}`];
  await execa("openssl", ["req", "-x509", ...kind, ...name, "-keyout", key, "-out", cert]);
  return {
    key: readFileSync(key),
    cert: readFileSync(cert),
    environment: { NODE_EXTRA_CA_CERTS: cert },
  };
}

test("a certificate is trusted when NODE_EXTRA_CA_CERTS has it, and else not", async (context) => {
  const certificate = await makeCertificate(context);
  const server = await startServer(context, makeImage(), undefined, certificate);
  const message = await fails(
    pull(context, server),
    /^Reading https:\S+ failed: its certificate is self-signed\./,
  );
  assert.match(message, /hint: .*NODE_EXTRA_CA_CERTS=/);
  assert.is(server.seen.length, 0);
  const { environment } = certificate;
  assert.is(listBlobs(await pull(context, server, { environment })).length, 4);
});

test("a certificate for another host is refused", async (context) => {
  const certificate = await makeCertificate(context, "127.0.0.2");
  const { environment } = certificate;
  const server = await startServer(context, makeImage(), undefined, certificate);
  await fails(pull(context, server, { environment }), /its certificate is for another host/);
  assert.is(server.seen.length, 0);
});

test("a file of certificates that is missing is told", async (context) => {
  const environment = { NODE_EXTRA_CA_CERTS: "/nowhere.pem" };
  await fails(
    pull(context, { host: "127.0.0.1:1" }, { environment }),
    /names \/nowhere\.pem, which can't be read/,
  );
});

test("with TLS nothing leads to a place without it: no token server, no redirect", async (context) => {
  const certificate = await makeCertificate(context);
  const { environment } = certificate;
  const image = makeImage();
  const plain = await startServer(context, image);
  const wantToken: Trick = ({ path }, response) => {
    if (path === "/v2/") return false;
    const challenge = `Bearer realm="http://${plain.host}/token"`;
    response.writeHead(401, { "www-authenticate": challenge }).end();
    return true;
  };
  const redirect: Trick = ({ path }, response) => {
    if (!path.includes("/blobs/")) return false;
    response.writeHead(307, { location: `http://${plain.host}${path}` }).end();
    return true;
  };
  const first = await startServer(context, image, wantToken, certificate);
  await fails(
    pull(context, first, { environment }),
    /wants a token of 127\S+, which would get the password without/,
  );
  const second = await startServer(context, image, redirect, certificate);
  await fails(pull(context, second, { environment }), /refers to http:\S+, without TLS/);
  assert.equal(plain.seen, []);
  // From one host with TLS to another.
  const secure = await startServer(context, image, undefined, certificate);
  const third = await startServer(
    context,
    image,
    ({ path }, response) => {
      if (!path.includes("/blobs/")) return false;
      response.writeHead(307, { location: `https://${secure.host}${path}` }).end();
      return true;
    },
    certificate,
  );
  assert.is(listBlobs(await pull(context, third, { environment })).length, 4);
});

test("other hosts than this one are not spoken to without TLS unless it is asked for", async (context) => {
  const image = makeImage();
  const plain = await startServer(context, image);
  // A name for this machine that nobody takes for it.
  const port = plain.host.replace(/.*:/, "");
  const host = `0.0.0.0:${port}`;
  await fails(
    pull(context, { host }),
    /^Reading https:\S+ failed: it does not speak TLS\.\n {2}hint: .*--plain-http/,
  );
  assert.equal(plain.seen, []);
  assert.is(listBlobs(await pull(context, { host }, { plainHttp: true })).length, 4);
});
