// A profile that changes while the clock of file times stands still: within a tick two contents of the same size have
// the same times. Whatever happens when, what was written last is what counts afterwards.
// time-limit: 240s
import { renameSync, writeFileSync } from "node:fs";
import * as assert from "../support/assert.ts";
import { hostPrograms } from "../support/jail.ts";
import { pause } from "../support/process.ts";
import { suite } from "../support/suite.ts";
import { makeWorld, type World } from "./world.ts";

const test = suite("cache: ticks");

const profile = (hostname: string) => `hostname = "${hostname}"\n${hostPrograms}[root]\ntype = "empty"\n`;
const words = ["-p", "./box.toml", "/bin/cat", "/proc/sys/kernel/hostname"];
const ways: Readonly<Record<string, (world: World, text: string) => void>> = {
  "in place": ({ write }, text) => write("work/box.toml", text),
  "by rename": ({ at }, text) => {
    writeFileSync(at("work/fresh"), text);
    renameSync(at("work/fresh"), at("work/box.toml"));
  },
};

let number = 0;
/** Of the same length every time. */
const nextName = (): string => `box-${String(1000 + number++)}`;

for (const [way, write] of Object.entries(ways)) {
  test(`what is written ${way} right after a start is what the next one does`, {
    timeLimit: 60,
  }, async (context) => {
    const world = makeWorld(context);
    for (let turn = 0; turn < 20; turn++) {
      const [first, second] = [nextName(), nextName()];
      write(world, profile(first));
      await pause(Math.random() * 60);
      assert.is(world.start(words).stdout, `${first}\n`, `turn ${turn}`);
      await pause(turn % 2 === 0 ? 0 : Math.random() * 60);
      write(world, profile(second));
      assert.is(world.start(words).stdout, `${second}\n`, `turn ${turn}`);
    }
  });

  test(`what is written ${way} while a plan is compiled is what the next start does`, {
    timeLimit: 60,
  }, async (context) => {
    const world = makeWorld(context);
    for (let turn = 0; turn < 30; turn++) {
      const [first, second] = [nextName(), nextName()];
      write(world, profile(first));
      await pause(Math.random() * 60);
      const started = world.startAsync(words);
      await pause(20 + Math.random() * 100);
      write(world, profile(second));
      // It may have seen a file that was only half there.
      await started;
      assert.is(world.start(words).stdout, `${second}\n`, `turn ${turn}`);
    }
  });
}
