// One attack, run in every jail. In: what it is called, what is to stop it, its words. Out: tests: that it succeeds
// without a jail, that each shipped profile holds it, and for each layer that is said to stop it, that it does so with
// the others switched off; with all of them off it has to succeed again, or a layer has been forgotten. What the tests
// find goes to results.ts, from which docs/attacks.md is made. Next: run.ts.
import * as assert from "../support/assert.ts";
import type { Capability } from "../support/capability.ts";
import type { Watched } from "../support/process.ts";
import { type Suite, suite } from "../support/suite.ts";
import { isSwitch, isThere, type Layer } from "./layers.ts";
import { listResults, noteResult } from "./results.ts";
import { runFiltered, runJail, runPlan, runTwin } from "./run.ts";
import { findGone, findStale } from "./table.ts";
import { makeWorld, type World } from "./world.ts";

export const profiles = ["base", "dev", "ci", "offline", "untrusted"] as const;
export type ProfileName = (typeof profiles)[number];

export interface Attack {
  /** What it tries. */
  readonly name: string;
  /** The row of the table, where several attacks share one; else the name. */
  readonly row?: string;
  readonly cve?: string;
  /** Each of them stops it alone, with the others switched off; with all off it succeeds. */
  readonly layers: readonly Layer[];
  /** The attack's name in programs/, and its words. */
  readonly words: (world: World) => readonly string[];
  /** Without a jail it succeeds, started through these words; `words` are others than inside. `needs`: only there. */
  readonly twin?: {
    readonly through?: (world: World) => readonly string[];
    readonly words?: (world: World) => readonly string[];
    readonly needs?: readonly Capability[];
  };
  readonly needs?: readonly Capability[];
  /** Why this kernel refuses it to everybody: then it is only seen to be refused, with a jail and without. */
  readonly refused?: () => string | undefined;
  readonly profiles?: readonly ProfileName[];
  /** The profile for the tests of single layers. */
  readonly layerProfile?: ProfileName;
  /** Profiles that let it through on purpose, and where that is said. */
  readonly open?: Partial<Record<ProfileName | "own", string>>;
  /** Further options of tsjail's. */
  readonly options?: (world: World) => readonly string[];
  /** Words before tsjail. */
  readonly through?: (world: World) => readonly string[];
  /** Further variables of tsjail's caller. */
  readonly environment?: Readonly<Record<string, string>>;
  /** Descriptors from 3 on. */
  readonly descriptors?: (world: World) => readonly number[];
  /** Before each run. */
  readonly prepare?: (world: World) => void;
  /** While it runs. */
  readonly during?: (world: World, running: Watched) => Promise<void>;
  /** Whether the host shows that it succeeded, whatever the program says. */
  readonly harm?: (world: World) => boolean;
}

export interface AttackSuite {
  (attack: Attack): void;
  readonly test: Suite;
  readonly world: () => World;
}

/** Attacks of one class; `title` names it in the table. */
export function attacks(title: string): AttackSuite {
  const test = suite(`attacks: ${title}`);
  let world: (World & { remove: () => void }) | undefined;
  test.before(async () => {
    world = await makeWorld();
  });
  test.after(() => world?.remove());
  const current = () => {
    if (world === undefined) throw new Error("the world is made by the first test");
    return world;
  };
  const names = new Set<string>();
  const register = (attack: Attack) => {
    names.add(attack.row ?? attack.name);
    registerAttack(test, title, attack, current);
  };
  test.after(() => compareWithPage(title, names));
  return Object.assign(register, { test, world: current });
}

/** Only of a whole run, and not where the page is made of it. */
function compareWithPage(title: string, names: ReadonlySet<string>): void {
  if (process.env.TSJAIL_ATTACKS !== undefined || (process.env.TSJAIL_TEST_GREP ?? "") !== "") return;
  const results = listResults();
  assert.equal(findStale(results), [], "docs/attacks.md says otherwise: see test/attacks/document.ts");
  const gone = findGone(title, new Set([...names, ...results.map(({ name }) => name)]));
  assert.equal(gone, [], "docs/attacks.md has attacks that are no more");
}

type Run = readonly [test: Suite, attack: Attack, world: () => World];

function registerAttack(test: Suite, title: string, attack: Attack, world: () => World): void {
  const needs = ["userns", "command:cc", ...(attack.needs ?? [])] as const;
  const isRefused = attack.refused?.() !== undefined;
  registerTwin([test, attack, world], isRefused);
  for (const profile of attack.profiles ?? profiles) {
    const why = attack.open?.[profile];
    const wanted = why === undefined ? "holds" : "lets it through, as it says";
    test.needs(...needs)(`${attack.name}: ${profile} ${wanted}`, async () => {
      const verdict = await runJail(attack, world(), profile);
      if (!isRefused) noteResult(title, attack, profile, verdict.word);
      assert.is(verdict.word, why === undefined || isRefused ? "held" : "escaped", verdict.said);
    });
  }
  if (isRefused) return;
  registerLayers([test, attack, world]);
  registerFilter([test, attack, world]);
}

function registerTwin([test, attack, world]: Run, isRefused: boolean): void {
  const { name } = attack;
  const needs = ["userns", "command:cc", ...(attack.needs ?? []), ...(attack.twin?.needs ?? [])] as const;
  const title = isRefused ? `this machine refuses it (${attack.refused?.()})` : "succeeds without a jail";
  test.needs(...needs)(`${name}: ${title}`, async () => {
    const verdict = await runTwin(attack, world());
    assert.is(verdict.word, isRefused ? "held" : "escaped", verdict.said);
  });
}

const findProfile = (attack: Attack): ProfileName => attack.layerProfile ?? attack.profiles?.[0] ?? "base";

/** Layers of an attack's own; `extra` is switched off beside them wherever it is not one of them. */
function registerLayers([test, attack, world]: Run): void {
  const layers = attack.layers.filter(isThere);
  const isGuarded = layers.includes("landlock") || layers.includes("landlock's scopes");
  const extra = [
    ...(layers.includes("seccomp") ? [] : (["seccomp"] as const)),
    ...(isGuarded ? [] : (["landlock"] as const)),
  ];
  const needs = ["userns", "command:cc", ...(attack.needs ?? [])] as const;
  for (const layer of layers) {
    test.needs(...needs)(`${attack.name}: ${layer} holds it alone`, async () => {
      const others = [...layers.filter((each) => each !== layer), ...extra];
      const verdict = await runPlan(attack, world(), findProfile(attack), others);
      assert.is(verdict.word, "held", verdict.said);
    });
  }
  if (layers.length === 0 || !layers.every(isSwitch)) return;
  test.needs(...needs)(`${attack.name}: succeeds in a jail without ${layers.join(" and ")}`, async () => {
    // A filter, or rules of Landlock's, that are not among the layers stay: they have to let it through.
    const verdict = await runPlan(attack, world(), findProfile(attack), layers);
    assert.is(verdict.word, "escaped", verdict.said);
  });
}

/** Some layers can't be taken out of a jail; under the filter without a jail it is seen whether it is one of them. */
function registerFilter([test, attack, world]: Run): void {
  // Without privilege a filter takes no_new_privs, which would hold it.
  if (attack.layers.includes("no_new_privs")) return;
  const isHeld = attack.layers.includes("seccomp");
  const needs = ["userns", "command:cc", ...(attack.needs ?? []), ...(attack.twin?.needs ?? [])] as const;
  const title = isHeld ? "the filter of system calls alone holds it" : "the filter is no part of it";
  test.needs(...needs)(`${attack.name}: ${title}`, async () => {
    const verdict = await runFiltered(attack, world(), findProfile(attack));
    assert.is(verdict.word, isHeld ? "held" : "escaped", verdict.said);
  });
}
