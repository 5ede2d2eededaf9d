// In: [rlimits], and the caller's file limit. Out: the command's resource limits, in the order of the kernel's numbers.
import { infinity, type Operation, resources } from "../plan/operations.ts";
import { originOf, type Request } from "./request.ts";

export function compileRlimits(request: Request): Operation[] {
  const { rlimits } = request.profile;
  const names = Object.keys(resources) as (keyof typeof resources)[];
  return names.flatMap((resource): Operation[] => {
    const limit = rlimits[resource];
    if (limit !== undefined) {
      const origin = originOf(request, `rlimits.${resource}`);
      return [{ op: "rlimit", origin, resource, soft: toNumber(limit.soft), hard: toNumber(limit.hard) }];
    }
    // Node raised the soft limit to the hard one at its own start, and programs that select(2) must not inherit that.
    if (resource !== "nofile") return [];
    return [{ op: "rlimit", origin: "the caller's own limit", resource, ...request.host.nofile }];
  });
}

const toNumber = (value: number | "unlimited") => (value === "unlimited" ? infinity : BigInt(value));
