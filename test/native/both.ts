// Starts of the same words where no plan is kept, where one may be kept, and where one may be used: they have to end
// alike. Used by the tests of native/cache.c.
import { type Ending, makeWorld, type StartWish, type World } from "../cache/world.ts";
import * as assert from "../support/assert.ts";
import { hostPrograms } from "../support/jail.ts";
import type { TestContext } from "../support/suite.ts";

// PATH inside doesn't depend on ours, by which we tell warm from cold.
export const plain = `${hostPrograms}[env.set]\nPATH = "/usr/bin:/bin"\n[root]\ntype = "empty"\n`;
const files = {
  "work/box.toml": plain,
  "work/default.toml": `command = ["/bin/echo", "default"]\n${plain}`,
  "work/shown/file": "",
};
export function makePlain(context: TestContext): World {
  return makeWorld(context, files);
}

/** Facts are operations too, and that the cache has a place is one. */
const blur = ({ status, stdout, stderr }: Ending): Ending => ({
  status,
  stdout,
  stderr: stderr.replace(/\(operation \d+ of/, "(operation N of"),
});

interface Both {
  readonly reference: Ending;
  /** Of a start that may be warm, without Node. */
  readonly last: Ending;
}

/** A start where no plan can be kept, then one that may keep one, then one that may use it. */
export function startAll(world: World, line: readonly string[], wish: StartWish = {}): Both {
  const reference = blur(
    world.start(line, { ...wish, env: { ...wish.env, XDG_CACHE_HOME: "/dev/null/none" } }),
  );
  const what = JSON.stringify(line).slice(0, 200);
  assert.equal(blur(world.start(line, wish)), reference, `the first: ${what}`);
  assert.equal(blur(world.start(line, wish)), reference, `the second: ${what}`);
  return { reference, last: blur(world.tryWarm(line, wish)) };
}
