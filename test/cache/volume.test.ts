// Kept plans and the volumes that they need. In: a world of the test's own. Out: warm starts where the volumes are there,
// cold ones where one is gone.
import { rmSync } from "node:fs";
import * as assert from "../support/assert.ts";
import { hostPrograms } from "../support/jail.ts";
import { suite } from "../support/suite.ts";
import { expectCold, expectEnding, makeWorld, settle } from "./world.ts";

const test = suite("cache/volumes");

const box = `${hostPrograms}
[[volume]]
name = "cache"
target = "/data"
[[volume]]
path = "$BASE/deep/path"
target = "/other"
`;

test("the plan of the start that makes the volumes is kept, and holds as long as they are there", async (context) => {
  const world = makeWorld(context, { "work/box.toml": box });
  const words = ["-p", "./box.toml", "/bin/ls", "/data", "/other"];
  const empty = "/data:\n\n/other:\n";
  await settle();
  expectEnding(world.start(words), empty, "the first");
  expectEnding(world.tryWarm(words), empty, "the second");
  expectEnding(world.start(["volume", "rm", "--json", "cache"]), '{"removed":"cache"}\n', "the removal");
  expectCold(world.tryWarm(words), "without the volume");
  expectEnding(world.start(words), empty, "the third");
  expectEnding(world.tryWarm(words), empty, "the fourth");
  rmSync(world.at("deep/path"), { recursive: true });
  expectCold(world.tryWarm(words), "without the path");
  expectEnding(world.start(words), empty, "the fifth");
  rmSync(world.at("data/tsjail/volumes/cache/lock"));
  expectCold(world.tryWarm(words), "with a part missing");
  assert.match(world.start(words).stderr, /The volume cache is damaged/);
  world.environment.XDG_DATA_HOME = world.at("elsewhere");
  expectCold(world.tryWarm(words), "with another XDG_DATA_HOME");
});
