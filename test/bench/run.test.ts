// The benchmark itself, at its shortest: that it measures what it says, not what the figures are.
// time-limit: 120s
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as assert from "../support/assert.ts";
import { suite } from "../support/suite.ts";

const test = suite("bench");
const root = join(import.meta.dirname, "../..");
const script = join(root, "bench/run.ts");

function bench(...words: string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, ["--import", "tsx", script, ...words], {
    cwd: root,
    encoding: "utf8",
    timeout: 100_000,
  });
  return { status, stdout, stderr };
}

interface Side {
  readonly side: string;
  readonly missing?: string;
  readonly samples: readonly number[];
}

const isMeasured = (sides: readonly Side[], name: string): boolean =>
  sides.some(({ side, samples }) => side === name && samples.length > 0);

test.needs("user", "userns")(
  "every side of a short run is measured or named as missing, with the reason",
  { timeLimit: 100 },
  () => {
    const { status, stdout, stderr } = bench("--runs", "2", "--json", "bare", "image", "memory", "pipe");
    assert.is(status, 0, stderr);
    const { rows, facts, versions } = JSON.parse(stdout);
    assert.equal(
      rows.map(({ name }: { name: string }) => name),
      ["bare", "image", "memory", "pipe"],
    );
    for (const { name, sides } of rows as { name: string; sides: Side[] }[]) {
      assert.ok(sides.length > 0, name);
      for (const { side, samples, missing } of sides)
        assert.ok(samples.length > 0 ? samples.every((one) => one > 0) : missing, `${name}: ${side}`);
    }
    const plan = (rows[0].sides as Side[]).find(({ side }) => side === "tsjail, a plan at hand");
    assert.is(plan?.samples.length, 2, JSON.stringify(plan));
    assert.ok(isMeasured(rows[1].sides, "tsjail"), JSON.stringify(rows[1]));
    assert.ok(facts.kernel && facts.processor && versions.unshare);
  },
);

test.needs(
  "user",
  "userns",
  "command:umoci",
  "command:skopeo",
  "command:git",
)(
  "layers, imports and files are measured, and a word stands for all rows that begin so",
  { timeLimit: 100 },
  () => {
    const { status, stdout, stderr } = bench("--runs", "1", "--json", "layers", "import", "files");
    assert.is(status, 0, stderr);
    const { rows } = JSON.parse(stdout) as { rows: { name: string; sides: Side[] }[] };
    const overlays = ["a bind", "overlayfs, thrown away", "overlayfs, kept"];
    const expected = {
      layers: ["a directory", "1 layer", "10 layers", "100 layers"],
      import: ["tsjail", "umoci", "skopeo, tar"],
      "import-memory": ["tsjail"],
      "files-untar": ["the disk, no jail", ...overlays],
      "files-git": ["the disk, no jail", ...overlays],
      "files-storm": ["the disk, no jail", ...overlays],
    };
    assert.equal(
      rows.map(({ name }) => name),
      Object.keys(expected),
    );
    for (const { name, sides } of rows) {
      for (const side of expected[name as keyof typeof expected])
        assert.ok(isMeasured(sides, side), `${name}: ${side}: ${JSON.stringify(sides)}`);
      for (const { side, samples, missing } of sides)
        assert.ok(samples.length > 0 || missing, `${name}: ${side}`);
    }
    const peaks = rows.find(({ name }) => name === "import-memory")?.sides ?? [];
    // node alone takes more than 20 MiB
    assert.ok(peaks[0]?.samples.every((bytes) => bytes > 20 * 2 ** 20 && bytes < 2 ** 32));
  },
);

test.needs("user", "userns")(
  "a table goes to the terminal, and results to the file that is named",
  (context) => {
    const directory = mkdtempSync(join(tmpdir(), "bench-"));
    context.cleanup(() => rmSync(directory, { recursive: true }));
    const path = join(directory, "results.md");
    const { status, stdout, stderr } = bench("--runs", "2", "--out", path, "bare");
    assert.is(status, 0, stderr);
    assert.match(stdout, /unshare +\d.*ms/);
    assert.match(readFileSync(path, "utf8"), /^# Benchmark results/);
  },
);

test.needs("root")("root is refused: the peers behave differently for it", () => {
  const { status, stderr } = bench("bare");
  assert.is(status, 1);
  assert.match(stderr, /ordinary user/);
});

test("an unknown row is an error that lists the rows, and --help shows them too", () => {
  const { status, stderr } = bench("--runs", "1", "warn");
  assert.is(status, 1);
  // root is told to be somebody else first
  if (process.getuid?.() !== 0) assert.match(stderr, /no row "warn"[\s\S]*Rows: warm bare/);
  const help = bench("--help");
  assert.is(help.status, 0);
  assert.match(help.stdout, /Rows: warm bare/);
});

test("a number of runs that is none is refused", () => {
  const { status, stderr } = bench("--runs", "many", "bare");
  assert.is(status, 1);
  assert.match(stderr, /--runs many/);
});
