// In: the intents, at the places where their paths lead. Out: the same without binds that a symbolic link leads into
// what is hidden. The link may be there for a reason, or an earlier jail may have planted it where the profile has an
// optional cache: what `hide` says holds either way. Used by intents.ts.
import { TsjailError } from "../error.ts";
import { quoteWord } from "../plan/escape.ts";
import type { Intent } from "./intent.ts";
import { isWithin } from "./path.ts";
import { followHostLinks, type View } from "./view.ts";

/** @throws TsjailError `profile_conflict` for a bind that is not optional */
export function dropAstray(view: View, intents: readonly Intent[]): Intent[] {
  const hidden = [...view.places.values()].filter(({ content }) => content.kind === "hide");
  return intents.filter((intent) => {
    const hide = hidden.find((each) => leadsInto(view, intent, each));
    if (hide === undefined || intent.content.kind !== "bind") return true;
    if (intent.content.optional) return false;
    const { source } = intent.content;
    throw new TsjailError(
      "profile_conflict",
      `A symbolic link leads ${source} into ${hide.written}, which is hidden.`,
      {
        origin: intent.origin,
        detail: `It leads to ${quoteWord(followHostLinks(view, source))}.`,
        hint: "Look at the link. To show what it leads to, write that path itself.",
      },
    );
  });
}

/** By its source or by its target; not where the profile itself writes a path within what is hidden. */
function leadsInto(view: View, { path, written, content }: Intent, hide: Intent): boolean {
  if (content.kind !== "bind") return false;
  const place = followHostLinks(view, hide.written);
  const isSaid = (said: string) => [hide.written, hide.path, place].some((each) => isWithin(said, each));
  const source = followHostLinks(view, content.source);
  return (
    (!isSaid(content.source) && isWithin(source, place)) || (!isSaid(written) && isWithin(path, hide.path))
  );
}
