// Merging, over generated layers: what holds whatever they say.
import fc from "fast-check";
import type { Layer } from "../../src/profile/layer.ts";
import { mergeLayers } from "../../src/profile/merge.ts";
import { profileShape } from "../../src/profile/shape.ts";
import * as assert from "../support/assert.ts";
import { suite } from "../support/suite.ts";

const test = suite("merge");

const name = fc.constantFrom("A", "B", "__proto__", "a.b");
const paths = fc.array(fc.constantFrom("/a", "/b", "/c"), { maxLength: 3 });
const optional = { requiredKeys: [] };
const table = fc.record(
  {
    hostname: fc.constantFrom("x", "y"),
    command: fc.array(fc.constantFrom("a", "b"), { maxLength: 2 }),
    files: fc.record({ read: paths, write: paths }, optional),
    mount: fc.array(fc.record({ type: fc.constant("tmpfs"), target: fc.constantFrom("/a", "/b") }), {
      maxLength: 2,
    }),
    env: fc.record({ set: fc.dictionary(name, fc.constantFrom("1", "2")), pass: paths }, optional),
    rlimits: fc.record(
      { nofile: fc.oneof(fc.nat(), fc.record({ soft: fc.nat(), hard: fc.nat() })) },
      optional,
    ),
  },
  optional,
);
const layers = fc
  .array(table, { minLength: 1, maxLength: 4 })
  .map((tables) =>
    tables.map((each, number): Layer => ({ number, file: `f${number}`, table: each, option: `o${number}` })),
  );
const merge = (list: readonly Layer[]) => mergeLayers(list, profileShape());
const plain = (value: unknown): unknown => JSON.parse(JSON.stringify(value));

type Merged = {
  hostname?: string;
  command?: string[];
  files?: { read?: string[] };
  env?: { set?: Record<string, string> };
};

test("one layer alone comes out as it is, without its duplicates", () => {
  fc.assert(
    fc.property(table, (only) => {
      const { table: merged } = merge([{ number: 0, file: "f", table: only }]);
      assert.equal((merged as Merged).hostname, only.hostname);
      assert.equal((merged as Merged).command, only.command);
      if (only.files?.read) assert.equal((merged as Merged).files?.read, [...new Set(only.files.read)]);
    }),
  );
});

test("the last layer that says a scalar or a plain list has it", () => {
  fc.assert(
    fc.property(layers, (list) => {
      const merged = merge(list).table as Merged;
      const last = <K extends "hostname" | "command">(key: K) =>
        list.findLast(({ table: each }) => key in each)?.table[key];
      assert.equal(merged.hostname, last("hostname"));
      assert.equal(merged.command, last("command"));
    }),
  );
});

test("lists of paths have what each layer has, once", () => {
  fc.assert(
    fc.property(layers, (list) => {
      const all = list.flatMap(({ table: each }) => (each as Merged).files?.read ?? []);
      assert.equal((merge(list).table as Merged).files?.read ?? [], [...new Set(all)]);
    }),
  );
});

test("merging in two steps is merging in one", () => {
  fc.assert(
    fc.property(layers, layers, (first, second) => {
      const half: Layer = { number: 0, file: "half", table: merge(first).table };
      assert.equal(plain(merge([half, ...second]).table), plain(merge([...first, ...second]).table));
    }),
  );
});

test("the layers themselves stay as they were", () => {
  fc.assert(
    fc.property(layers, (list) => {
      const before = JSON.stringify(list);
      merge(list);
      assert.is(JSON.stringify(list), before);
    }),
  );
});

test("each value comes from the last layer that says it", () => {
  fc.assert(
    fc.property(layers, (list) => {
      const { table: merged, origin } = merge(list);
      for (const [variable, value] of Object.entries((merged as Merged).env?.set ?? {})) {
        const from = list.findLast(({ table: each }) =>
          Object.hasOwn((each as Merged).env?.set ?? {}, variable),
        );
        assert.is(origin(["env", "set", variable])?.layer, from?.number);
        assert.is((from?.table as Merged | undefined)?.env?.set?.[variable], value);
      }
      for (const [index, path] of ((merged as Merged).files?.read ?? []).entries()) {
        const from = list.findLast(({ table: each }) => (each as Merged).files?.read?.includes(path));
        assert.is(origin(["files", "read", index])?.layer, from?.number);
      }
      assert.is(origin(["process", "umask"]), undefined);
    }),
  );
});
