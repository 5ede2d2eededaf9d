// Why a benchmark can't run: one message for a person, no stack trace. Thrown below run.ts, printed there.
export class BenchProblem extends Error {
  override name = "BenchProblem";
}
