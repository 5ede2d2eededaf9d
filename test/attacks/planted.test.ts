// time-limit: 300s
// Attacks over two starts: what one jail leaves in a place that it may write makes the next one show more. In: a home
// of our own in which dev and offline are started. What tsjail keeps for itself is in test/jail/own.test.ts.
import { existsSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import * as assert from "../support/assert.ts";
import { jail, sh } from "../support/jail.ts";
import type { TestContext } from "../support/suite.ts";
import { attacks } from "./attack.ts";
import { noteResult, type Verdict } from "./results.ts";

const title = "from one start to the next";
const { test: suite, world } = attacks(title);
const test = suite.needs("userns", "command:cc");

let count = 0;
function makeHome({ cleanup }: TestContext): { home: string; env: Record<string, string | undefined> } {
  const home = join(world().directory, `home-${count++}`);
  cleanup(() => rmSync(home, { recursive: true, force: true }));
  for (const name of [".ssh/more", ".gnupg/private-keys-v1.d"]) {
    mkdirSync(join(home, name), { recursive: true });
    writeFileSync(join(home, name, "key"), "a secret of the host\n");
  }
  return {
    home,
    env: { HOME: home, XDG_CACHE_HOME: undefined, XDG_CONFIG_HOME: undefined, XDG_DATA_HOME: undefined },
  };
}

/** Where dev has optional binds, a directory or a file. */
const places = [
  ".npm",
  ".nvm",
  ".gitconfig",
  ".config/git/ignore",
  ".cache/yarn",
  ".cargo/registry",
  ".local/bin",
];
const targets = [".ssh/more", ".ssh/more/key", ".gnupg/private-keys-v1.d", ".gnupg/private-keys-v1.d/key"];

for (const profile of ["dev", "offline"] as const) {
  test(`a link planted in the home shows nothing that is hidden: ${profile}`, {
    timeLimit: 200,
  }, async (context) => {
    const shown: string[] = [];
    for (const place of places) {
      for (const target of targets) {
        const { home, env } = makeHome(context);
        const plant = 'mkdir -p "$(dirname "$1")"; ln -s "$HOME/$2" "$1"; cat "$2" "$2/key"';
        const first = await jail({ profile, env, cwd: home, command: sh(plant, place, target) });
        assert.not.match(first.stdout, "a secret");
        const look = 'cat "$1" "$1/key" "$2" "$2/key"; echo x >"$2/planted"; :';
        const next = await jail({
          profile,
          env,
          cwd: home,
          command: sh(`{ ${look}; } 2>/dev/null`, place, target),
        });
        if (next.stdout.includes("a secret")) shown.push(`${place} → ${target}`);
        if (existsSync(join(home, target, "planted"))) shown.push(`${place} → ${target} (written)`);
      }
    }
    const verdict: Verdict = shown.length === 0 ? "held" : "escaped";
    noteResult(
      title,
      { name: "plant a link to what is hidden", layers: ["hidden paths"], words: () => [] },
      profile,
      verdict,
    );
    assert.equal(shown, []);
  });
}

test("the twin: without hide, such a link leads there", async (context) => {
  const { home, env } = makeHome(context);
  symlinkSync(join(home, ".ssh/more"), join(home, ".npm"));
  const toml = 'extends = "base"\n[files]\nwrite = ["~"]\n';
  const { stdout } = await jail({ toml, env, cwd: home, command: ["cat", ".npm/key"] });
  assert.match(stdout, "a secret");
});
