// The shipped policies by name, for whoever makes or checks their programs: a start has those ready (shipped.ts) and no
// use for these. Used by src/build/prebuild.ts and the tests.
import { defaultPolicy } from "./default.ts";
import type { Policy } from "./policy.ts";
import type { ShippedName } from "./shipped.ts";
import { strictPolicy } from "./strict.ts";

export const shippedPolicies: Readonly<Record<ShippedName, Policy>> = {
  default: defaultPolicy,
  strict: strictPolicy,
};
