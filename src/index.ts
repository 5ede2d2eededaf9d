// The library: what `import … from "tsjail"` gives. Starting jails from a program is not here yet; what is here reads
// and checks profiles and names errors as the command does.
export { type ErrorCode, errorTypes, formatError, type Origin, TsjailError } from "./error.ts";
export type { Operation } from "./plan/operations.ts";
export type { Profile } from "./profile/schema.ts";
