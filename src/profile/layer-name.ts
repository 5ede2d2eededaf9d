// The name of a kept layer or of a volume: a directory of that name below $XDG_DATA_HOME/tsjail. In: a string. Out: the
// same, or an issue. Used by the schema (isolation.ts, volume.ts) and by the commands that take names.
import * as v from "valibot";
import { say } from "./words.ts";

const form = /^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/;

export const isLayerName = (name: string): boolean => form.test(name);

export const layerName = () =>
  say(
    v.pipe(
      v.string("must be a string"),
      v.check(isLayerName, "must be a name: letters, digits, and . _ - after the first, at most 100"),
    ),
    { kind: "string" },
  );
