// The plans of the shipped profiles on a machine that does not exist, as test/plans/*.txt has them. A change in them
// is a change in what people's jails are: look at the difference, then run this with UPDATE=1 to keep it.
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { compile } from "../../src/compile/index.ts";
import { hostNeeds } from "../../src/host/needs.ts";
import { checkPlan } from "../../src/plan/check.ts";
import { formatPlan } from "../../src/plan/text.ts";
import { loadProfile } from "../../src/profile/load.ts";
import * as assert from "../support/assert.ts";
import { suite } from "../support/suite.ts";
import { debian, noRun } from "./fixture.ts";

const test = suite("compile/golden");

const shippedDirectory = join(import.meta.dirname, "../../profiles");
const plans = join(import.meta.dirname, "../plans");
const names = readdirSync(shippedDirectory)
  .filter((file) => file.endsWith(".toml"))
  .map((file) => basename(file, ".toml"));

test("all of the shipped profiles are here", () => {
  for (const name of ["base", "ci", "dev", "offline", "untrusted"]) assert.ok(names.includes(name), name);
});

for (const name of names) {
  test(`the plan of ${name} is the known one`, () => {
    const { home, cwd } = debian;
    const environment = { HOME: home };
    const profile = join(shippedDirectory, `${name}.toml`);
    const loaded = loadProfile({ profile, overrides: [], environment, cwd, shippedDirectory });
    const { type, image: imageName } = loaded.profile.root;
    const layers = ["/store/layers/two/fs", "/store/layers/one/fs"];
    const image = {
      root: "/store/layers/two/fs",
      lock: "/store/uses/two",
      layers,
      user: "",
      env: [],
      command: ["sh"],
    };
    const isImage = type === "image" && imageName !== undefined;
    const empty = !isImage && hostNeeds(loaded.profile).root === undefined;
    const host = isImage
      ? { ...debian, image: { ...image, name: imageName } }
      : empty
        ? ({ ...debian, root: { kind: "absent" }, rootFiles: {} } as const)
        : debian;
    const plan = compile(loaded, host, { ...noRun, command: ["bash"] });
    checkPlan(plan, "internal");
    const text = formatPlan(plan).replaceAll(`${shippedDirectory}/`, "profiles/");
    const golden = join(plans, `${name}.txt`);
    if (process.env.UPDATE === "1") writeFileSync(golden, text);
    assert.ok(existsSync(golden), `no ${golden}: run with UPDATE=1`);
    assert.fixture(text, readFileSync(golden, "utf8"));
  });
}
