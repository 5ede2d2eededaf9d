// Runs `image pull` or `image push` in this process. In: its words, without those that name it. Out: what it printed,
// logged and drew. Errors come through.
import { splitArguments } from "../../src/arguments.ts";
import type { Call, Command } from "../../src/commands/command.ts";
import type { WithStore } from "../../src/commands/image-options.ts";
import { DirectoryStore } from "./store.ts";

export interface Outcome {
  readonly status: number;
  readonly stdout: string;
  readonly log: string;
  /** What was drawn. */
  readonly drawn: string;
}

/** Runs one of the two as commands/image.ts does it: without the word that names the action. */
export async function runCommand(
  make: (withStore: WithStore<DirectoryStore>) => Command,
  scratch: string,
  argv: readonly string[],
  around: Partial<Call> = {},
): Promise<Outcome> {
  const command = make((_call, work) => work(new DirectoryStore(`${scratch}/store`)));
  const { given, words } = splitArguments(argv, command.args, true);
  let [stdout, log, drawn] = ["", "", ""];
  const say = (text: string) => {
    log += `${text}\n`;
  };
  const call = {
    version: "0.1.0",
    environment: {},
    cwd: scratch,
    print: (text: string) => {
      stdout += text;
    },
    log: { error: say, warn: say, info: say, success: say },
    ...around,
    argv,
    given,
    words,
  } as unknown as Call;
  if (around.terminal !== undefined)
    call.terminal = () => (text) => {
      drawn += text;
    };
  const status = await command.run(call);
  return { status, stdout, log, drawn };
}
