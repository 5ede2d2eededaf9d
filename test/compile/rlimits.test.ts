import { infinity } from "../../src/plan/operations.ts";
import * as assert from "../support/assert.ts";
import { suite } from "../support/suite.ts";
import { compileToml, pick, quiet } from "./fixture.ts";

const test = suite("compile/rlimits");

const limits = (toml: string) =>
  pick(compileToml(quiet + toml), "rlimit").map(({ resource, soft, hard }) => [resource, soft, hard]);

test("limits that a profile does not name are left alone", () => {
  assert.equal(limits(""), []);
  assert.equal(limits("rlimits.nofile = 10"), [["nofile", 10n, 10n]]);
});

test("limits of the profile are in the kernel's units, in the kernel's order", () => {
  const toml =
    '[rlimits]\nas = "1G"\ncpu = "1m"\nnofile = { soft = 10, hard = 20 }\ncore = 0\nmemlock = "unlimited"';
  assert.equal(limits(toml), [
    ["cpu", 60n, 60n],
    ["core", 0n, 0n],
    ["nofile", 10n, 20n],
    ["memlock", infinity, infinity],
    ["as", 1073741824n, 1073741824n],
  ]);
});
