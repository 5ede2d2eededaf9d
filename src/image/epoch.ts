// SOURCE_DATE_EPOCH (reproducible-builds.org): the time that something is said to be made at. In: the environment. Out:
// seconds since 1970, or nothing.

import { TsjailError } from "../error.ts";
import { quoteShort } from "../profile/quote.ts";
import type { Environment } from "./place.ts";

/** @throws TsjailError `usage` */
export function readEpoch({ SOURCE_DATE_EPOCH: text }: Environment): number | undefined {
  if (text === undefined || text === "") return undefined;
  if (/^\d{1,11}$/.test(text)) return Number(text);
  throw new TsjailError(
    "usage",
    `SOURCE_DATE_EPOCH is ${quoteShort(text)}, no number of seconds since 1970.`,
    {
      hint: "Set it to one, for example: SOURCE_DATE_EPOCH=$(git log -1 --format=%ct)",
    },
  );
}
