// `tsjail plan`: what `run` would do with the same options, operation by operation. In: a Call. Out: the plan as
// text or JSON (plan/text.ts). It starts nothing, and needs no executor.
import { locateExecutor } from "../launch/find.ts";
import { preparePlan } from "../launch/prepare.ts";
import { describeWish } from "../launch/volumes.ts";
import { helpOption, jailOptions, jsonOption, readJailRequest } from "../options.ts";
import { formatPlan, planToJson } from "../plan/text.ts";
import { encodePlan } from "../plan/wire.ts";
import { formatJson } from "../profile/quote.ts";
import { type Call, type Command, hasOption } from "./command.ts";

export const plan: Command = {
  meta: { name: "plan", description: "Print what `run` would do with the same options, step by step" },
  args: { ...jailOptions, ...jsonOption, ...helpOption },
  words: "command",
  examples: [
    ["tsjail plan --profile dev bash", "every operation, and which line of which profile asks for it"],
    ["tsjail plan --json -p ./ci.toml | jq '.operations[].op'", "for programs"],
  ],
  run(call: Call): number {
    const request = readJailRequest(call.given, call.cwd);
    const executor = tryLocate(call);
    const { plan, missing } = preparePlan(request, call.words, { ...call, executor });
    encodePlan(plan); // it checks the plan: what is printed could be run
    call.print(hasOption(call, "json") ? formatJson(planToJson(plan)) : formatPlan(plan));
    for (const wish of missing) call.log.info(`${describeWish(wish)}.`);
    return 0;
  },
};

/** Only messages name the executor, so its absence is not this command's concern. */
function tryLocate(call: Call): string | undefined {
  try {
    return locateExecutor(call);
  } catch {
    return undefined;
  }
}
