// `tsjail [options] [--] COMMAND…`: compiles the plan, which the executor carries out.
// In: a Call. Out: nothing, unless something fails before that; and the plan, kept for the next such command line.
// Next: launch/prepare.ts, cache/keep.ts, launch/start.ts.
import { prepareKeeping } from "../cache/keep.ts";
import { findExecutor } from "../launch/find.ts";
import { findCallersProcess, readFront } from "../launch/front.ts";
import { checkDescriptors, listKeptFds, preparePlan, requireCommand } from "../launch/prepare.ts";
import { startJail } from "../launch/start.ts";
import { prepareStart } from "../launch/volumes.ts";
import { helpOption, jailOptions, readJailRequest } from "../options.ts";
import { encodePlan } from "../plan/wire.ts";
import { type Call, type Command, hasOption } from "./command.ts";

export const run: Command = {
  meta: {
    name: "run",
    description: "Run a command in a jail; what tsjail does when no command of its own is named",
  },
  args: { ...jailOptions, ...helpOption },
  words: "command",
  examples: [
    ["tsjail --profile dev bash", "a shell in the shipped profile `dev`"],
    ["tsjail -p ./ci.toml -- npm test", "options of the command's own stay with it"],
    ["tsjail --net none --bind ./out:/out:rw make", "without network, and one writable directory"],
    ["tsjail run plan", "a program that has the name of a subcommand"],
    ["tsjail run ./ci.plan make test", "a plan that `tsjail compile` has written"],
  ],
  async run(call: Call): Promise<number> {
    const request = readJailRequest(call.given, call.cwd);
    checkDescriptors(request);
    const executor = await findExecutor(call);
    // The words go by the side of the plan: it is the same one whatever the command is.
    const front = readFront(call.front, process.ppid);
    const packageWord = hasOption(call, "no-cache") ? undefined : front.packageWord;
    const starts = packageWord === undefined ? "once" : "kept";
    const pid = findCallersProcess(front);
    const { plan, looks } = await prepareStart(
      () => preparePlan(request, [], { ...call, executor, starts, pid }),
      (prepared) => requireCommand(prepared, call.words),
    );
    const keep =
      packageWord === undefined ? undefined : prepareKeeping(plan, looks, { ...call, packageWord, executor });
    return startJail({
      executor,
      plan: encodePlan(plan),
      keep,
      command: call.words,
      keepFds: listKeptFds(plan),
      front,
      environment: call.environment,
    });
  },
};
