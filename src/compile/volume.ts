// In: the volumes of a profile. Out: what each shows, which is a bind to all that comes after; and the locks by which
// nobody removes one that a jail has. Whether they are there, and making them, is launch/volumes.ts.
import { formatOrigin, TsjailError } from "../error.ts";
import type { Operation } from "../plan/operations.ts";
import type { Volume } from "../profile/schema.ts";
import { volumePlaces, volumeSource } from "../volume/place.ts";
import type { BindContent } from "./intent.ts";
import type { Resolved } from "./intents.ts";
import { joinPath } from "./path.ts";
import { originOf, type Request } from "./request.ts";

/** @throws TsjailError `variable_unset` where there is no home to keep it in */
export function volumeContent(request: Request, volume: Volume, key: string): BindContent {
  const { name, readonly, noexec } = volume;
  const source = volumeSource(volume, request.host.volumes);
  if (source === undefined) {
    throw new TsjailError(
      "variable_unset",
      "A volume can't be kept: neither XDG_DATA_HOME nor HOME is an absolute path.",
      { origin: request.loaded.origin(key), hint: "Set HOME, or give the volume a path." },
    );
  }
  // What jails have left in it is nobody's to trust: it has no rights of its own.
  return {
    kind: "bind",
    source,
    attributes: [
      ...(readonly ? (["ro"] as const) : []),
      "nosuid",
      "nodev",
      ...(noexec ? (["noexec"] as const) : []),
    ],
    optional: false,
    propagation: "private",
    volume: name === undefined ? {} : { name },
  };
}

/** One for each name, however many places it is shown at, and for the image. */
export function compileHolds(request: Request, { intents }: Resolved): Operation[] {
  const { host } = request;
  const locks = new Map<string, Operation>();
  const { image } = host;
  if (image !== undefined)
    locks.set("", { op: "hold", origin: originOf(request, "root.image"), lock: image.lock });
  for (const { content, origin } of intents) {
    const name = content.kind === "bind" ? content.volume?.name : undefined;
    if (name === undefined || locks.has(name)) continue;
    const { lock } = volumePlaces(joinPath(host.volumes as string, `/${name}`));
    locks.set(name, { op: "hold", origin: formatOrigin(origin), lock });
  }
  return [...locks.values()];
}
