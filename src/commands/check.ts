// `tsjail check PROFILE`: reads a profile as `run` would and says everything that is wrong with it, at once.
// In: its name or path. Out: one line and 0, or the problems and 125.
import { preparePlan } from "../launch/prepare.ts";
import { describeWish } from "../launch/volumes.ts";
import { helpOption, jailOptions, readJailRequest } from "../options.ts";
import { quoteWord } from "../plan/escape.ts";
import type { Call, Command } from "./command.ts";

export const check: Command = {
  meta: { name: "check", description: "Say everything that is wrong with a profile" },
  args: { set: jailOptions.set, ...helpOption },
  words: [{ name: "profile", description: "Its name or path", required: true, complete: "profile" }],
  examples: [
    ["tsjail check ./dev.toml", "exit status 0, or all problems and 125"],
    ["tsjail check dev --set network.mode=none", "with a key changed"],
  ],
  run(call: Call): number {
    const request = { ...readJailRequest(call.given, call.cwd), profile: call.words[0] };
    const { loaded, plan, missing } = preparePlan(request, [], { ...call, executor: undefined });
    call.print(`${quoteWord(loaded.name)}: no problems (${plan.length} operations)\n`);
    for (const wish of missing) call.log.info(`${describeWish(wish)}.`);
    return 0;
  },
};
