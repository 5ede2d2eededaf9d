// The shipped profiles that the bundle has read already. In: profiles/, and a package whose base.toml was changed after
// the build. Out: the same tables and places as reading them gives; and the change, in the plan.
import { spawnSync } from "node:child_process";
import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { listProfiles, parseProfiles } from "../../src/build/profiles.ts";
import { decodePlan } from "../../src/plan/wire.ts";
import type { Parsed } from "../../src/profile/parsed.ts";
import { locateKeys } from "../../src/profile/positions.ts";
import * as assert from "../support/assert.ts";
import { suite } from "../support/suite.ts";

const test = suite("profile/parsed");
const root = join(import.meta.dirname, "../..");

test("every shipped profile is there, with its keys where they are", () => {
  const texts = listProfiles().map((path) => readFileSync(path, "utf8"));
  const parsed = parseProfiles();
  assert.equal(
    parsed.map(([text]) => text),
    texts,
  );
  for (const [text, json] of parsed) {
    const { table, positions }: Parsed = JSON.parse(json);
    assert.equal(typeof table.description, "string");
    const expected = [...locateKeys(text)].map(([key, { line, column }]) => [key, [line, column]]);
    assert.equal(Object.entries(positions), expected);
  }
});

test("a shipped profile that was changed after the build is read like any other", ({ cleanup }) => {
  const top = mkdtempSync(join(tmpdir(), "tsjail-parsed-"));
  cleanup(() => rmSync(top, { recursive: true }));
  for (const name of ["dist", "profiles"]) mkdirSync(join(top, name));
  for (const name of ["package.json", "dist/cli.cjs", "dist/run.cjs"])
    copyFileSync(join(root, name), join(top, name));
  symlinkSync(join(root, "node_modules"), join(top, "node_modules"));
  const executor = join(top, "executor");
  writeFileSync(executor, '#!/bin/sh\ncat "/proc/$$/fd/$2"\n', { mode: 0o755 });
  const { version } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
  const base = readFileSync(join(root, "profiles/base.toml"), "utf8");
  const hostnames = ["", "# A line more.\n", 'hostname = "changed"\n'].map((line) => {
    writeFileSync(join(top, "profiles/base.toml"), line + base);
    const result = spawnSync(process.execPath, [join(top, "dist/cli.cjs"), "--no-cache", "true"], {
      env: {
        HOME: top,
        TSJAIL_EXECUTOR: executor,
        TSJAIL_FRONT: `version=${version} nofile=1024:4096 ignored=0x0`,
      },
      cwd: top,
    });
    assert.is(String(result.stderr), "");
    const plan = decodePlan(result.stdout);
    const tmp = plan.find((operation) => operation.op === "mount" && operation.target === "/tmp");
    const name = plan.find((operation) => operation.op === "hostname");
    return [name?.op === "hostname" && name.name, tmp?.origin];
  });
  const place = (line: number) => `mount[0] in base:${line}`;
  const line = base.split("\n").indexOf("[[mount]]") + 1;
  assert.equal(hostnames, [
    ["tsjail", place(line)],
    ["tsjail", place(line + 1)],
    ["changed", place(line + 1)],
  ]);
});
