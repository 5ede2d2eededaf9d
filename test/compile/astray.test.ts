// Symbolic links that lead a bind into what is hidden. In: profiles and machines that exist in memory only. Out: plans
// that do not show it, or an error.
import { TsjailError } from "../../src/error.ts";
import type { Host } from "../../src/host/host.ts";
import type { Plan } from "../../src/plan/operations.ts";
import * as assert from "../support/assert.ts";
import { suite } from "../support/suite.ts";
import { compileToml, debian, pick, quiet } from "./fixture.ts";

const test = suite("compile/astray");
const home = '[files]\nwrite = ["/home/ann"]\nhide = ["/home/ann/.ssh", "/home/ann/.gnupg"]\n';
const cache = (source: string, optional = true) =>
  `[[mount]]\ntype = "bind"\nsource = "${source}"\nreadonly = false\noptional = ${optional}\n`;

function compile(toml: string, links: Record<string, string>): Plan {
  const host: Host = { ...debian, links: { ...debian.links, ...links } };
  return compileToml(quiet + toml, host);
}
const sources = (plan: Plan) => pick(plan, "bind").map(({ source }) => source);

test("an optional bind that a link leads into what is hidden is passed over", () => {
  for (const target of [".gnupg/private-keys-v1.d", ".gnupg", "../ann/.gnupg/x", "/home/ann/.gnupg/x"]) {
    const plan = compile(home + cache("/home/ann/.npm"), { "/home/ann/.npm": target });
    assert.not.ok(sources(plan).includes("/home/ann/.npm"), target);
    assert.ok(pick(plan, "hide").some((op) => op.target === "/home/ann/.gnupg"));
  }
});

test("where the link leads elsewhere, or there is none, it is there", () => {
  for (const links of [{}, { "/home/ann/.npm": "/srv/npm" }, { "/home/ann/.npm": ".gnupg-old" }]) {
    const plan = compile(home + cache("/home/ann/.npm"), links);
    assert.ok(sources(plan).includes("/home/ann/.npm"), JSON.stringify(links));
  }
});

test("one on the way counts as well, and one that leads the hidden path away", () => {
  const onTheWay = compile(home + cache("/home/ann/.cache/pip"), { "/home/ann/.cache": ".gnupg" });
  assert.not.ok(sources(onTheWay).includes("/home/ann/.cache/pip"));
  const away = compile(home + cache("/home/ann/.npm"), {
    "/home/ann/.gnupg": "keys",
    "/home/ann/.npm": "keys/private",
  });
  assert.not.ok(sources(away).includes("/home/ann/.npm"));
});

test("a bind that must be there is an error, which names both", () => {
  assert.throws(
    () => compile(home + cache("/home/ann/.npm", false), { "/home/ann/.npm": ".ssh/id" }),
    (error) =>
      error instanceof TsjailError &&
      error.code === "profile_conflict" &&
      /\.npm into \/home\/ann\/\.ssh/.test(error.message),
  );
});

test("what the profile itself writes below a hidden path is shown", () => {
  const plan = compile(home + cache("/home/ann/.ssh/known_hosts"), {});
  assert.ok(sources(plan).includes("/home/ann/.ssh/known_hosts"));
});

test("a path of the current directory that a link leads out of it is refused, or passed over", () => {
  const project = "/home/ann/project";
  const away = { [`${project}/out`]: "../.ssh", [`${project}/in`]: "others", [`${project}/deep`]: "/srv" };
  const refuses = (toml: string) =>
    assert.throws(
      () => compile(toml, away),
      (error) =>
        error instanceof TsjailError &&
        error.code === "profile_conflict" &&
        /out of the current directory/.test(error.message),
    );
  refuses(`[files]\nwrite = ["${project}/out"]\n`);
  refuses(`[files]\nread = ["${project}/out"]\n`);
  refuses(cache(`${project}/deep/below`, false));
  refuses(`[[mount]]\ntype = "file"\ntarget = "/x"\nsource = "${project}/deep/motd"\n`);
  assert.not.ok(sources(compile(cache(`${project}/out`), away)).includes(`${project}/out`));
  // A link within it, what the link leads to, and links of other places mean what they always did.
  const paths = [`${project}/in`, "/home/ann/.ssh", "/srv", "/home/ann/link"];
  const plan = compile(`[files]\nread = ${JSON.stringify(paths)}\n`, { ...away, "/home/ann/link": "/opt" });
  for (const path of paths) assert.ok(sources(plan).includes(path), path);
});
