// A Call for tests: what a command prints and logs is kept. In: what differs from the usual. Out: the Call, and a
// function that runs a command line in it as cli.ts would.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Call } from "../../src/commands/command.ts";
import { selectCommand } from "../../src/commands/select.ts";
import { TsjailError } from "../../src/error.ts";
import * as assert from "../support/assert.ts";
import type { TestContext } from "../support/suite.ts";

export const root = join(import.meta.dirname, "../..");

export interface Outcome {
  readonly status: number;
  readonly stdout: string;
  /** What was logged, one message per line. */
  readonly log: string;
}

export type Surroundings = Pick<Call, "cwd"> & Partial<Call>;

/** A directory of its own, and an environment that has it as HOME. */
export function makeSurroundings({ cleanup }: TestContext): Surroundings {
  const cwd = mkdtempSync(join(tmpdir(), "tsjail-commands-"));
  cleanup(() => rmSync(cwd, { recursive: true }));
  return { cwd, environment: { HOME: cwd, PATH: "/usr/bin:/bin", USER: "somebody" } };
}

/** Runs a command line in this process. Errors come through. */
export async function runLine(argv: readonly string[], around: Surroundings): Promise<Outcome> {
  const selection = await selectCommand(argv);
  if (selection.kind !== "command") throw new Error(`${argv.join(" ")} asks for ${selection.kind}`);
  let stdout = "";
  let log = "";
  const say = (...words: unknown[]) => {
    log += `${words.join(" ")}\n`;
  };
  const call = {
    packageDirectory: root,
    version: "0.1.0",
    environment: {},
    front: undefined,
    self: ["node", "cli.js"],
    color: () => false,
    print: (text: string) => {
      stdout += text;
    },
    log: { error: say, warn: say, info: say, success: say } as unknown as Call["log"],
    ...around,
    argv,
    given: selection.given,
    words: selection.words,
  };
  const status = await selection.command.run(call);
  return { status, stdout, log };
}

/** A command line that ends with one error of that code, and exit status 125. */
export async function expectRefusal(
  argv: readonly string[],
  around: Surroundings,
  message: RegExp,
  code = "usage",
): Promise<void> {
  await assert.rejects(runLine(argv, around), (error) => {
    assert.ok(error instanceof TsjailError, String(error));
    assert.equal([error.code, error.exitStatus], [code, 125]);
    assert.match(error.message, message);
    return true;
  });
}
