// In: a path that stays as it is. Out: a read-only mount over it, where the jail could write it, and the way to it held:
// who can rename a directory can put another one in its place. Nothing is made, so nothing is left on the host; what is
// absent at the start can't be held. Used by mounts.ts.
import { formatOrigin } from "../error.ts";
import type { Operation } from "../plan/operations.ts";
import type { Intent } from "./intent.ts";
import type { Mounting } from "./mounting.ts";
import { listAncestors } from "./path.ts";
import { isMount, listShown } from "./shown.ts";

export function protectPath({ request, resolved }: Mounting, { path, written, origin }: Intent): Operation[] {
  const { view } = resolved;
  const isWritable = (place: string) => listShown(request, view, place).some((shown) => shown.isWritable);
  const isAbsent = listShown(request, view, path).every(
    ({ source }) => source === undefined || request.host.kinds[source] === "absent",
  );
  if (isAbsent || !isWritable(path)) return [];
  // A link on the way can be replaced as a directory can be renamed.
  const links = written === path ? [] : [...listAncestors(written), written];
  const way = [...new Set([...listAncestors(path), ...links])];
  const held = way.filter((place) => place !== path && isWritable(place) && !isMount(view, place));
  const by = formatOrigin(origin);
  return [
    ...held.map((target): Operation => ({ op: "pin", origin: by, target })),
    { op: "readonly", origin: by, target: path, flags: ["optional"] },
  ];
}
