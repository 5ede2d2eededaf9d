// `tsjail explain`: the executor runs it, with its figures, when a jail could not be started; people do not.
// In: the report's words and the plan's descriptor. Out: the message on standard error, and its exit status.
import type { Call, Command } from "./command.ts";

export const explain: Command = {
  meta: {
    name: "explain",
    description: "Turn the executor's report of a failure into a message",
    hidden: true,
  },
  args: {},
  words: "raw",
  examples: [["tsjail explain --plan-fd 3 --op 7 --step 5 --reason 0 --errno 1", "what the executor runs"]],
  async run(call: Call): Promise<number> {
    const { runExplain } = await import("../explain/command.ts");
    throw runExplain(call.words);
  },
};
