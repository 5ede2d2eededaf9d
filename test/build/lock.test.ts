// What is refused in package-lock.json, and what `npm audit` may answer. In: small stand-ins. Out: words.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { readAudit } from "../../src/build/audit.ts";
import { findLockProblems, type Lock, type LockedPackage } from "../../src/build/lock.ts";
import { BuildProblem, root } from "../../src/build/problem.ts";
import * as assert from "../support/assert.ts";
import { suite } from "../support/suite.ts";

const test = suite("build/lock");

const integrity = `sha512-${"A".repeat(86)}==`;
const good: LockedPackage = { version: "1.0.0", integrity };
const lock = (each: LockedPackage, path = "node_modules/a"): Lock => ({
  lockfileVersion: 3,
  packages: { "": {}, [path]: each },
});

function refuses(bad: Lock, message: RegExp): void {
  const problems = findLockProblems(bad);
  assert.is(problems.length, 1, problems.join("\n"));
  assert.match(problems[0] ?? "", message);
}

test("the lock file of this checkout is as it should be", () => {
  const text = readFileSync(join(root, "package-lock.json"), "utf8");
  assert.equal(findLockProblems(JSON.parse(text) as Lock), []);
});

test("a package with a hash, from the registry, is as it should be", () => {
  assert.equal(findLockProblems(lock(good)), []);
  assert.equal(findLockProblems(lock(good, "node_modules/a/node_modules/@b/c")), []);
  assert.equal(findLockProblems(lock({ ...good, hasInstallScript: true }, "node_modules/esbuild")), []);
});

test("a package without a hash is refused, or with a weak one", () => {
  refuses(lock({ version: "1.0.0" }), /node_modules\/a has no sha512 hash/);
  refuses(lock({ ...good, integrity: "sha1-2jmj7l5rSw0yVb/vlWAYkK/YBwk=" }), /has no sha512 hash/);
});

test("a package from elsewhere is refused", () => {
  for (const resolved of [
    "git+ssh://git@host.example/a.git#1",
    "https://host.example/a.tgz",
    "file:../a.tgz",
  ])
    refuses(lock({ ...good, resolved }), /comes from .*, not from the registry/);
  refuses(lock({ ...good, link: true }), /is not from the registry/);
  refuses(lock(good, "packages/a"), /is not from the registry/);
});

test("an install script that nobody has looked at is refused", () => {
  refuses(lock({ ...good, hasInstallScript: true }), /runs a script when it is installed/);
  refuses(lock({ ...good, hasInstallScript: true }, "node_modules/@x/esbuild"), /runs a script/);
});

test("another form of lock file is refused, and an empty one", () => {
  refuses({ ...lock(good), lockfileVersion: 2 }, /lockfileVersion is 2/);
  refuses({ lockfileVersion: 3, packages: { "": {} } }, /names no package/);
});

test("what npm audit has found is a failure, with names", () => {
  const found = { a: { name: "a", severity: "high", range: "<1.2.3" } };
  const text = JSON.stringify({ auditReportVersion: 2, vulnerabilities: found });
  assert.throws(
    () => readAudit(text),
    (error) => error instanceof BuildProblem && /high: a <1\.2\.3/.test(error.message),
  );
  assert.equal(readAudit(JSON.stringify({ auditReportVersion: 2, vulnerabilities: {} })), {});
});

test("a registry that does not answer is no failure, an answer in no known form is one", () => {
  const message = "request to the registry failed, reason: getaddrinfo EAI_AGAIN";
  assert.equal(readAudit(JSON.stringify({ message, error: { summary: "" } })), { unanswered: message });
  for (const text of ["", "<html>", "{}", "null"]) {
    assert.throws(
      () => readAudit(text),
      (error) => error instanceof BuildProblem && error.message.startsWith("npm audit said"),
    );
  }
});
