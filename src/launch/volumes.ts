// The volumes of a start. In: a profile, its plan. Out: what is missing, in words and as wishes; and a start whose plan
// was made with all of them there. They are made when nothing else can be wrong any more, so compile does without them.

import { lstatSync } from "node:fs";
import { dirname } from "node:path";
import { formatOrigin, TsjailError } from "../error.ts";
import { lookAtKind } from "../facts/look.ts";
import type { Host } from "../host/host.ts";
import { quoteWord } from "../plan/escape.ts";
import type { Plan } from "../plan/operations.ts";
import { encodePlan } from "../plan/wire.ts";
import type { KeyOrigin, LoadedProfile } from "../profile/load.ts";
import type { Volume } from "../profile/schema.ts";
import type { CopyWish } from "../volume/copy.ts";
import type { NamedWish, VolumeWish } from "../volume/make.ts";
import { findPlace } from "../volume/path.ts";
import { volumePlaces, volumeSource } from "../volume/place.ts";
import type { Prepared } from "./prepare.ts";

/** Makes the plan, and what it needs.
 * @param prepare makes the plan; again where something was made that it looks at
 * @param check throws where this must not be started */
export async function prepareStart(
  prepare: () => Prepared,
  check: (prepared: Prepared) => void = () => undefined,
): Promise<Prepared> {
  const prepared = prepare();
  check(prepared);
  if (prepared.missing.length === 0) return prepared;
  encodePlan(prepared.plan); // it checks the plan
  const { makeVolumes } = await import("../volume/make.ts");
  makeVolumes(prepared.missing);
  const again = prepare();
  const [gone] = again.missing;
  if (gone === undefined) return again;
  const name = gone.kind === "path" ? gone.path : gone.name;
  throw new TsjailError("volume_failed", `The volume ${quoteWord(name)} was made, and is gone again.`, {
    origin: gone.origin,
    hint: "Somebody removes it: look at who does, then start again.",
  });
}

/** Those that the plan shows and this machine lacks.
 * @param upper a layer that is kept over the root
 * @throws TsjailError `volume_failed` for what is there and is no volume, or can't be made */
export function findMissing(
  loaded: LoadedProfile,
  plan: Plan,
  host: Host,
  upper: string | undefined,
): VolumeWish[] {
  const found = new Map<string, VolumeWish | undefined>();
  loaded.profile.volume.forEach((volume, index) => {
    const source = volumeSource(volume, host.volumes) as string;
    const origin = loaded.origin(`volume[${index}]`);
    // Another layer of the profile may have something else there.
    const shown = plan.find(
      (each) => each.op === "bind" && each.source === source && each.origin === formatOrigin(origin),
    );
    if (shown?.op !== "bind" || found.has(source)) return;
    const around = { loaded, plan, host, upper, origin, target: shown.target };
    found.set(
      source,
      volume.name === undefined ? findPath(source, origin) : findNamed(volume, source, around),
    );
  });
  return [...found.values()].filter((wish) => wish !== undefined);
}

const findPath = (path: string, origin: KeyOrigin): VolumeWish | undefined =>
  isMissing(path, true, origin) ? findPlace(path, origin) : undefined;

function findNamed(volume: Volume, data: string, around: Around): NamedWish | undefined {
  const { loaded, origin } = around;
  const name = volume.name as string;
  const directory = dirname(data);
  const isThere = !isMissing(data, false, origin);
  if (isThere && lookAtKind(volumePlaces(directory).lock) === "file") return undefined;
  if (isThere || lstatSync(directory, { throwIfNoEntry: false }) !== undefined) {
    throw new TsjailError(
      "volume_failed",
      `The volume ${quoteWord(name)} is damaged: parts of it are missing.`,
      {
        origin,
        hint: `Save what is of use in it, then: tsjail volume rm ${name}`,
      },
    );
  }
  return { kind: "name", name, directory, profile: loaded.name, origin, copy: findCopy(volume, around) };
}

function isMissing(path: string, follow: boolean, origin: KeyOrigin): boolean {
  const kind = lookAtKind(path, follow);
  if (kind === "directory" || kind === "absent") return kind === "absent";
  const why = kind === "unreadable" ? "can't be looked at" : "is no directory";
  throw new TsjailError("volume_failed", `${quoteWord(path)} ${why}, and can be no volume.`, {
    origin,
    hint: "Look at it, or choose another one.",
  });
}

interface Around {
  readonly loaded: LoadedProfile;
  readonly plan: Plan;
  readonly host: Host;
  readonly upper: string | undefined;
  readonly origin: KeyOrigin;
  /** Where the jail shows it. */
  readonly target: string;
}

/** What the host has is not the root's to give away: only a root of its own is copied from. What the profile hides stays
 * hidden. */
function findCopy({ copy = true }: Volume, around: Around): CopyWish | undefined {
  const { loaded, plan, host, upper, target } = around;
  const { type, path } = loaded.profile.root;
  const below = type === "directory" && path !== undefined ? [path] : (host.image?.layers ?? []);
  if (!copy || below.length === 0) return undefined;
  const leftOut = plan.flatMap((each) => (each.op === "hide" ? each.target : []));
  return { layers: upper === undefined ? below : [upper, ...below], path: target, leftOut };
}

/** What `plan` and `check` say: they make nothing. */
export function describeWish(wish: VolumeWish): string {
  if (wish.kind === "path") return `The directory ${quoteWord(wish.path)} would be made for a volume`;
  return `The volume ${quoteWord(wish.name)} would be made${describeCopy(wish)}`;
}

function describeCopy({ copy }: NamedWish): string {
  return copy === undefined ? ", empty" : `, with a copy of what the root has at ${quoteWord(copy.path)}`;
}
