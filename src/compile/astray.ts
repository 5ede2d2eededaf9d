// In: the intents, at the places where their paths lead. Out: the same without what a symbolic link leads into something
// hidden, or from the project to somewhere else. The link may be there for a reason, or an earlier jail may have planted
// it: what `hide` says holds either way, and a path of the project means something in the project. Used by intents.ts.
import { TsjailError } from "../error.ts";
import { quoteWord } from "../plan/escape.ts";
import type { Content, Intent } from "./intent.ts";
import { isWithin } from "./path.ts";
import { followHostLinks, type View } from "./view.ts";

/** @throws TsjailError `profile_conflict` for what is not optional */
export function dropAstray(view: View, intents: readonly Intent[], cwd: string): Intent[] {
  return dropOutside(view, dropHidden(view, intents), cwd);
}

/** The directory in which tsjail is started is the one that jails can write, most often. */
function dropOutside(view: View, intents: readonly Intent[], cwd: string): Intent[] {
  return intents.filter(({ content, origin }) => {
    const source = listSources(content).find((each) => isAstray(view, each, cwd));
    if (source === undefined) return true;
    const end = followHostLinks(view, source);
    if ("optional" in content && content.optional) return false;
    throw new TsjailError(
      "profile_conflict",
      `A symbolic link leads ${source} out of the current directory.`,
      {
        origin,
        detail: `It leads to ${quoteWord(end)}.`,
        hint: "Who could write here, a jail for one, may have put the link there. Look at it. To show what it leads to,\nwrite that path itself.",
      },
    );
  });
}

const isAstray = (view: View, source: string, cwd: string): boolean =>
  isWithin(source, cwd) && !isWithin(followHostLinks(view, source), cwd);

/** Where volumes with names are, tsjail says and no profile; no jail gets to the way there (own.ts). */
const isKept = (content: Content): boolean => content.kind === "bind" && content.volume?.name !== undefined;

/** What of the host an intent shows, or writes to. */
function listSources(content: Content): string[] {
  if (content.kind === "bind") return isKept(content) ? [] : [content.source];
  if (content.kind === "overlay") return [...content.lower, content.upper, content.work];
  return content.kind === "file" && "source" in content.from ? [content.from.source] : [];
}

function dropHidden(view: View, intents: readonly Intent[]): Intent[] {
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
  const isSource = !isKept(content) && !isSaid(content.source);
  return (
    (isSource && isWithin(followHostLinks(view, content.source), place)) ||
    (!isSaid(written) && isWithin(path, hide.path))
  );
}
