// `tsjail doctor`: what this machine permits, one line each. In: a Call. Out: the report, and 1 if no jail can run.
import { examine } from "../doctor/examine.ts";
import { formatRows, isFit } from "../doctor/row.ts";
import { helpOption, jsonOption } from "../options.ts";
import { formatJson } from "../profile/quote.ts";
import { type Call, type Command, hasOption } from "./command.ts";

export const doctor: Command = {
  meta: { name: "doctor", description: "Say what this machine permits, and how to fix what it doesn't" },
  args: { ...jsonOption, ...helpOption },
  words: [],
  examples: [
    ["tsjail doctor", "exit status 1 if no jail can run here"],
    ["tsjail doctor --json | jq -r '.[] | select(.outcome == \"bad\").fix'", "for programs"],
  ],
  async run(call: Call): Promise<number> {
    const rows = await examine(call);
    call.print(hasOption(call, "json") ? formatJson(rows) : formatRows(rows, call.color()));
    return isFit(rows) ? 0 : 1;
  },
};
