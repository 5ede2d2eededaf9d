// In: the generated pages. Out: that their examples hold: the printed plan, its JSON form and its bytes are one plan.
import { documentErrors } from "../../src/build/document-errors.ts";
import { documentPlan } from "../../src/build/document-plan.ts";
import { errorTypes } from "../../src/error.ts";
import { rules } from "../../src/explain/explain.ts";
import type { Plan } from "../../src/plan/operations.ts";
import { operationNames } from "../../src/plan/table.ts";
import { formatPlan } from "../../src/plan/text.ts";
import { encodePlan } from "../../src/plan/wire.ts";
import * as assert from "../support/assert.ts";
import { suite } from "../support/suite.ts";

const test = suite("explain/documents");
const page = documentPlan();
const blocks = (kind: string) =>
  [...page.matchAll(new RegExp(`\`\`\`${kind}\\n([\\s\\S]*?)\`\`\``, "g"))].map((match) => match[1] ?? "");

test("the example of docs/plan.md in JSON is the plan that is printed above it", () => {
  const { operations } = JSON.parse(blocks("json")[0] ?? "") as { operations: Record<string, unknown>[] };
  const plan = operations.map(({ phase: _, ...operation }) => operation) as unknown as Plan;
  assert.is(formatPlan(plan), blocks("text")[0]);
  const bytes = Buffer.from(encodePlan(plan));
  const dumped = (blocks("text")[1] ?? "")
    .split("\n")
    .map((line) => line.slice(6).replaceAll(" ", ""))
    .join("");
  assert.is(dumped, bytes.toString("hex", 0, 88));
  assert.ok(page.includes(`The example has ${bytes.length} bytes.`));
});

test("docs/plan.md has every operation", () => {
  for (const name of operationNames) assert.ok(page.includes(`\n#### ${name}\n`), name);
});

test("docs/errors.md has every code and every explanation", () => {
  const errors = documentErrors();
  for (const code of Object.keys(errorTypes)) assert.ok(errors.includes(`| \`${code}\` |`), code);
  for (const { name } of rules) assert.ok(errors.includes(`\n#### ${name}\n`), name);
});
