// In: [rlimits]. Out: the command's resource limits, in the order of the kernel's numbers.
import { infinity, type Operation, resources } from "../plan/operations.ts";
import { originOf, type Request } from "./request.ts";

export function compileRlimits(request: Request): Operation[] {
  const { rlimits } = request.profile;
  const names = Object.keys(resources) as (keyof typeof resources)[];
  return names.flatMap((resource): Operation[] => {
    const limit = rlimits[resource];
    if (limit === undefined) return [];
    const origin = originOf(request, `rlimits.${resource}`);
    return [{ op: "rlimit", origin, resource, soft: toNumber(limit.soft), hard: toNumber(limit.hard) }];
  });
}

const toNumber = (value: number | "unlimited") => (value === "unlimited" ? infinity : BigInt(value));
