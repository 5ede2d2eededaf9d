// Names of images, read as docker reads them. In: what people type. Out: registry, repository, tag and digest.
import fc from "fast-check";
import { TsjailError } from "../../src/error.ts";
import { findHost, formatReference, parseReference } from "../../src/registry/reference.ts";
import * as assert from "../support/assert.ts";
import { suite } from "../support/suite.ts";

const test = suite("reference");
const digest = `sha256:${"ab".repeat(32)}`;

/** The cases of distribution/reference, and what they are when they are written out. */
const good: readonly (readonly [
  text: string,
  registry: string,
  repository: string,
  rest: string,
  short?: string,
])[] = [
  ["debian", "docker.io", "library/debian", ":latest", "debian:latest"],
  ["debian:12", "docker.io", "library/debian", ":12"],
  ["docker.io/debian:12", "docker.io", "library/debian", ":12", "debian:12"],
  ["index.docker.io/library/debian:12", "docker.io", "library/debian", ":12", "debian:12"],
  ["user/app:v1", "docker.io", "user/app", ":v1"],
  ["localhost/app", "localhost", "app", ":latest", "localhost/app:latest"],
  ["localhost:5000/app:v1", "localhost:5000", "app", ":v1"],
  ["[::1]:5000/app:v1", "[::1]:5000", "app", ":v1"],
  ["Host/app:v1", "Host", "app", ":v1"],
  ["r.example/a/b/c__d-e--f:V_1.x", "r.example", "a/b/c__d-e--f", ":V_1.x"],
  [`debian@${digest}`, "docker.io", "library/debian", `@${digest}`],
  [`r.example:443/a:1@${digest}`, "r.example:443", "a", `:1@${digest}`],
];

test("names are split as docker splits them, and written as short as they can be", () => {
  for (const [text, registry, repository, rest, short = text] of good) {
    const reference = parseReference(text);
    const tag = reference.tag === undefined ? "" : `:${reference.tag}`;
    const hash = reference.digest === undefined ? "" : `@${reference.digest}`;
    assert.equal([reference.registry, reference.repository, tag + hash], [registry, repository, rest], text);
    assert.is(formatReference(reference), short);
    assert.equal(parseReference(formatReference(reference)), reference);
  }
});

test("what is no name says why", () => {
  const bad: [string, RegExp][] = [
    ["", /"" is no repository/],
    ["Debian", /it has capital letters/],
    ["docker://debian", /it begins with docker:\/\//],
    ["debian:", /"" is no tag/],
    ["debian:.x", /"\.x" is no tag/],
    ["-host.x/app", /"-host\.x" is no host/],
    ["host:port/app", /"host:port" is no host/],
    ["a//b", /is no repository/],
    ["a/../b", /is no repository/],
    ["debian@sha256:00", /"sha256:00" is no digest/],
    [`debian@sha512:${"0".repeat(128)}`, /is no digest/],
    ["ab".repeat(32), /an image's id/],
    [`a/${"b".repeat(260)}`, /longer than 255/],
    ["debian\n", /is no repository/],
  ];
  for (const [text, message] of bad) {
    assert.throws(
      () => parseReference(text),
      (error) => error instanceof TsjailError && error.code === "usage" && message.test(error.message),
    );
  }
  // As with docker: an image called localhost with a tag.
  assert.is(parseReference("localhost:5000").repository, "library/localhost");
});

test("only the default registry is on another host than it says", () => {
  assert.is(findHost("localhost:5000"), "localhost:5000");
  assert.is.not(findHost("docker.io"), "docker.io");
});

test("whatever is typed is either a name that is written as it was read, or an error of ours", () => {
  const piece = fc.constantFrom(..."aZ0.-_:/@[]%", "sha256:", "localhost", "library/", digest, "\u0000", "ä");
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 12 }), (pieces) => {
      const text = pieces.join("");
      try {
        const reference = parseReference(text);
        assert.equal(parseReference(formatReference(reference)), reference);
        assert.match(reference.repository, /^[a-z0-9]+([./_-]+[a-z0-9]+)*$/);
      } catch (error) {
        assert.ok(error instanceof TsjailError, `${text}: ${error}`);
      }
    }),
    { numRuns: 2000 },
  );
});
