// `tsjail schema`: the JSON Schema of profiles, for editors. In: nothing. Out: JSON on standard output.
import { helpOption } from "../options.ts";
import { formatJson } from "../profile/quote.ts";
import type { Call, Command } from "./command.ts";

export const schema: Command = {
  meta: { name: "schema", description: "Print the JSON Schema of profiles, for editors" },
  args: { ...helpOption },
  words: [],
  examples: [
    [
      "tsjail schema > tsjail.schema.json",
      "then, as the first line of a profile: #:schema ./tsjail.schema.json",
    ],
  ],
  async run(call: Call): Promise<number> {
    const { profileJsonSchema } = await import("../profile/json-schema.ts");
    call.print(formatJson(profileJsonSchema()));
    return 0;
  },
};
