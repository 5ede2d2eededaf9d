// `tsjail explain`: the executor runs it, with its figures, when a jail could not be started; people do not.
// In: the report's words and the plan's descriptor. Out: the message on standard error, and its exit status.
import { fstatSync, readSync } from "node:fs";
import type { Plan } from "../plan/operations.ts";
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
    const [{ explain }, { readFacts }, { parseReport }] = await Promise.all([
      import("../explain/explain.ts"),
      import("../explain/facts.ts"),
      import("../plan/report.ts"),
    ]);
    const report = parseReport(call.words);
    const plan = report.planFd === undefined ? [] : await readPlan(report.planFd);
    throw explain(plan, report, readFacts({ environment: call.environment, executor: report.executor }));
  },
};

async function readPlan(fd: number): Promise<Plan> {
  const { decodePlan } = await import("../plan/wire.ts");
  const bytes = Buffer.alloc(fstatSync(fd).size);
  // From the start of the file: the executor's reading has moved the offset, which we share.
  for (let at = 0; at < bytes.length; ) {
    const read = readSync(fd, bytes, at, bytes.length - at, at);
    if (read === 0) break;
    at += read;
  }
  return decodePlan(bytes);
}
