// Whose password is found where. In: auth files and helpers as docker and podman have them. Out: credentials, or what is
// wrong with a file.
import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { parseChallenges } from "../../src/registry/challenge.ts";
import { findCredentials } from "../../src/registry/credentials.ts";
import * as assert from "../support/assert.ts";
import { suite, type TestContext } from "../support/suite.ts";
import { makeScratch } from "./world.ts";

const test = suite("credentials");
const auth = (words: string) => ({ auth: Buffer.from(words).toString("base64") });

interface Home {
  readonly environment: Record<string, string>;
  write(path: string, data: unknown): string;
  find(registry: string, repository?: string): Promise<string | undefined>;
}

function makeHome(context: TestContext): Home {
  const home = makeScratch(context);
  const environment = {
    HOME: home,
    XDG_RUNTIME_DIR: join(home, "run"),
    PATH: `${join(home, "bin")}:${process.env.PATH}`,
  };
  return {
    environment,
    write(path, data) {
      const file = join(home, path);
      mkdirSync(dirname(file), { recursive: true });
      writeFileSync(file, typeof data === "string" ? data : JSON.stringify(data));
      return file;
    },
    async find(registry, repository = "team/app") {
      const found = await findCredentials(registry, repository, environment);
      return found?.kind === "password" ? `${found.user}:${found.password}` : found?.token;
    },
  };
}

test("podman's files come before docker's, and a named file is the only one", async (context) => {
  const { environment, find, write } = makeHome(context);
  assert.is(await find("r.example"), undefined);
  write(".docker/config.json", { auths: { "r.example": auth("d:1:2"), "d.example": auth("only:docker") } });
  assert.is(await find("r.example"), "d:1:2");
  write(".config/containers/auth.json", { auths: { "r.example": auth("c:2") } });
  assert.is(await find("r.example"), "c:2");
  write("run/containers/auth.json", { auths: { "r.example": auth("r:3") } });
  assert.is(await find("r.example"), "r:3");
  assert.is(await find("d.example"), "only:docker");
  environment.REGISTRY_AUTH_FILE = write("named.json", { auths: { "r.example": auth("n:4") } });
  assert.equal([await find("r.example"), await find("d.example")], ["n:4", undefined]);
});

test("addresses, parts of a registry and the default registry's old name are found", async (context) => {
  const { find, write } = makeHome(context);
  write(".docker/config.json", {
    auths: {
      "https://r.example/v1/": auth("address:1"),
      "https://index.docker.io/v1/": auth("hub:2"),
      "p.example": auth("all:3"),
      "p.example/team": auth("part:4"),
      "t.example": { identitytoken: "a token", ...auth("x:") },
      "w.example": { username: "words", password: "5" },
      "e.example": {},
    },
  });
  assert.is(await find("r.example"), "address:1");
  assert.is(await find("docker.io"), "hub:2");
  assert.equal([await find("p.example"), await find("p.example", "other/app")], ["part:4", "all:3"]);
  assert.is(await find("t.example"), "a token");
  assert.is(await find("w.example"), "words:5");
  assert.equal([await find("e.example"), await find("example")], [undefined, undefined]);
});

test("helpers are asked with the registry on their input", async (context) => {
  const { find, write } = makeHome(context);
  const helper = (name: string, script: string) =>
    chmodSync(write(`bin/docker-credential-${name}`, `#!/bin/sh\nread -r server || :\n${script}\n`), 0o755);
  helper("one", `echo "{\\"Username\\":\\"$1\\",\\"Secret\\":\\"$server\\"}"`);
  helper("two", `echo '{"Username":"<token>","Secret":"a token"}'`);
  helper("none", "echo 'credentials not found in native keychain'; exit 1");
  helper("broken", "echo 'no keyring' >&2; exit 3");
  helper("wrong", "echo '{}'");
  write(".docker/config.json", {
    auths: { "n.example": auth("from:file") },
    credHelpers: { "t.example": "two", "n.example": "none", "b.example": "broken", "w.example": "wrong" },
    credsStore: "one",
  });
  assert.is(await find("r.example"), "get:r.example");
  assert.is(await find("docker.io"), "get:https://index.docker.io/v1/");
  assert.is(await find("t.example"), "a token");
  assert.is(await find("n.example"), "from:file");
  await assert.rejects(find("b.example"), /docker-credential-broken failed: no keyring/);
  await assert.rejects(find("w.example"), /docker-credential-wrong answers something else/);
  write(".docker/config.json", { credsStore: "missing" });
  await assert.rejects(find("r.example"), /docker-credential-missing is not among the programs of PATH/);
  write(".docker/config.json", { credsStore: "../../x" });
  await assert.rejects(find("r.example"), /a helper's name is no path/);
});

test("a damaged file is told, and nothing of it shown", async (context) => {
  const { environment, find, write } = makeHome(context);
  const hides = (message: RegExp) => (error: Error) =>
    message.test(error.message) && !/secret/.test(error.message);
  write(".docker/config.json", '{"auths":{"r.example":{"auth":secret');
  await assert.rejects(find("r.example"), hides(/config\.json can't be read: it is not JSON\.$/));
  write(".docker/config.json", { auths: { "r.example": { auth: ["secret"] } } });
  await assert.rejects(find("r.example"), hides(/auths\.r\.example\.auth has another form than it should/));
  write(".docker/config.json", "");
  assert.is(await find("r.example"), undefined);
  environment.REGISTRY_AUTH_FILE = "/nowhere/auth.json";
  await assert.rejects(find("r.example"), /\/nowhere\/auth\.json can't be read/);
});

test("challenges are read whatever their order, quotes and case", () => {
  assert.equal(parseChallenges('Basic realm="a, \\"b\\"", BEARER Realm=x,service="s"'), [
    { scheme: "basic", parameters: { realm: 'a, "b"' } },
    { scheme: "bearer", parameters: { realm: "x", service: "s" } },
  ]);
  assert.equal(parseChallenges("Negotiate"), [{ scheme: "negotiate", parameters: {} }]);
  assert.equal(parseChallenges('=", \u0000'), []);
});
