// The examples of docs/registry.md, run with a real registry in the place of localhost:5000. In: the page's ```registry
// blocks. Out: the lines that it says.
// time-limit: 120s
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { createImagePull } from "../../src/commands/image-pull.ts";
import { createImagePush } from "../../src/commands/image-push.ts";
import { formatError, TsjailError } from "../../src/error.ts";
import * as assert from "../support/assert.ts";
import { suite } from "../support/suite.ts";
import { runCommand } from "./command.ts";
import { makeImage } from "./image.ts";
import { publish, startRegistry } from "./registry.ts";

const test = suite("docs/registry.md");
const page = readFileSync(join(import.meta.dirname, "../../docs/registry.md"), "utf8");
const actions = { pull: createImagePull, push: createImagePush };

interface Step {
  readonly words: readonly string[];
  readonly expected: string;
}

function readSteps(): Step[] {
  const blocks = [...page.matchAll(/^```registry\n(.*?)^```$/gms)].map(([, text = ""]) => text);
  return blocks.flatMap((block) =>
    [...block.matchAll(/^\$ tsjail image (.*)\n((?:(?!\$ ).*\n)*)/gm)].map(
      ([, line = "", expected = ""]) => ({
        words: line.split(" "),
        expected,
      }),
    ),
  );
}

const toPattern = (text: string) =>
  new RegExp(`^${text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&").replaceAll("…", ".*")}$`);

test.needs("command:docker-registry", "command:skopeo")(
  "every example prints what it says",
  async (context) => {
    const registry = await startRegistry(context);
    await publish(registry, "team/app:v1", makeImage());
    const steps = readSteps();
    assert.ok(steps.length >= 3);
    const here = (text: string) => text.replaceAll("localhost:5000", registry.host);
    for (const { words, expected } of steps) {
      const [action = "", ...argv] = words.map(here);
      const make = actions[action as keyof typeof actions] as typeof createImagePull;
      const output = await runCommand(make, registry.scratch, argv).then(
        ({ log, stdout }) => `${log.replace(/^(?=.)/gm, "tsjail: ")}${stdout}`,
        (error: unknown) => {
          if (!(error instanceof TsjailError)) throw error;
          return `tsjail: ${formatError(error)}\n`;
        },
      );
      assert.match(output, toPattern(here(expected)), `${words.join(" ")}\n${output}`);
    }
  },
);
