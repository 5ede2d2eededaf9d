// Plans as `tsjail compile` writes them, made by hand. In: facts. Out: files, and what the executor makes of them:
// the command's words, or one line. Used by facts.test.ts and facts-shipped.test.ts.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Operation, Plan } from "../../src/plan/operations.ts";
import { encodePlan } from "../../src/plan/wire.ts";
import * as assert from "../support/assert.ts";
import { makePlan, scratch } from "../support/executor.ts";
import { type Run, type RunWish, runWords } from "./run.ts";

const origin = "a test";
export type Fact = Extract<Operation, { op: `fact_${string}` }>;
export type Of<K extends Fact["op"]> = Omit<Extract<Fact, { op: K }>, "op" | "origin">;
export const fact = <K extends Fact["op"]>(op: K, fields: Of<K>): Fact =>
  ({ op, origin, ...fields }) as unknown as Fact;

const hint = "; compile it again here: tsjail compile PROFILE -o FILE\n";

let count = 0;
/** A plan as `tsjail compile` writes it, with these facts. */
export function ship(
  facts: readonly Fact[],
  plan: Plan = makePlan().filter(({ op }) => op !== "explain"),
): string {
  const path = join(scratch(), `${count++}.shipped`);
  writeFileSync(path, encodePlan([...facts, ...plan]), { mode: 0o600 });
  return path;
}

export const run = (path: string, wish?: RunWish, ...words: string[]): Run =>
  runWords(["run", path, ...(words.length > 0 ? words : ["echo", "done"])], wish);

export function expectDone(one: Run, what: string): void {
  assert.equal([one.status, one.stdout, one.stderr], [0, "done\n", ""], `${what}: ${one.stderr}`);
}

export function expectStranger(one: Run, why: string, what: string): void {
  assert.is(one.stdout, "", what);
  assert.is(one.status, 125, `${what}: ${one.status} ${one.stderr}`);
  assert.match(one.stderr, /^tsjail: \/[^ ]* was compiled for .*\n$/, what);
  assert.ok(one.stderr.endsWith(` was compiled for ${why}${hint}`), `${what}: ${one.stderr}`);
}
