// What the fuzzer begins with. In: a directory. Out: a file for each of some hundred plans, small and large, that
// together hold every operation. plan.c is fed with them.
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import type { Plan } from "../../src/plan/operations.ts";
import { encodePlan } from "../../src/plan/wire.ts";
import { arbitraryPlan } from "../plan/arbitrary.ts";
import { smallest } from "../plan/sample.ts";

/** The same plans each time. */
export function makeSeeds(): Plan[] {
  return [smallest, ...fc.sample(arbitraryPlan, { numRuns: 150, seed: 1 })];
}

/** @returns how many there are */
export function writeSeeds(directory: string): number {
  mkdirSync(directory, { recursive: true });
  const seeds = makeSeeds();
  for (const [index, plan] of seeds.entries()) {
    writeFileSync(join(directory, `plan-${index}`), encodePlan(plan));
  }
  return seeds.length;
}
