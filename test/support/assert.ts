// uvu/assert with its two traps closed: throws() ignored promises and took a string expectation
// for a message, and there was no rejects().
import { Assertion, unreachable } from "uvu/assert";

export * from "uvu/assert";

/** A pattern for the message, or a function that looks at the error. */
export type Expectation = RegExp | ((error: Error) => boolean);

/** The call throws an Error that fits. */
export function throws(call: () => unknown, expectation?: Expectation): void {
  const [thrown, result] = attempt(call);
  if (result instanceof Promise) {
    result.catch(() => {});
    unreachable("throws() was given an async function: use `await rejects(…)`");
  }
  if (thrown === undefined) unreachable("expected the call to throw");
  fits(thrown?.value, expectation);
}

/** The promise is rejected with an Error that fits. */
export async function rejects(
  work: Promise<unknown> | (() => Promise<unknown>),
  expectation?: Expectation,
): Promise<void> {
  const outcome = await (typeof work === "function" ? work() : work).then(
    () => undefined,
    (value: unknown) => ({ value }),
  );
  if (outcome === undefined) unreachable("expected the promise to be rejected");
  fits(outcome?.value, expectation);
}

function attempt(call: () => unknown): [{ value: unknown } | undefined, unknown] {
  try {
    return [undefined, call()];
  } catch (value) {
    return [{ value }, undefined];
  }
}

function fits(thrown: unknown, expectation: Expectation | undefined): void {
  if (!(thrown instanceof Error)) unreachable(`thrown, but not an Error: ${String(thrown)}`);
  const error = thrown as Error;
  if (expectation === undefined) return;
  if (typeof expectation === "function" ? expectation(error) : expectation.test(error.message)) return;
  throw new Assertion({
    message: `the error does not fit: ${error.message}`,
    generated: true,
    operator: "throws",
    expects: String(expectation),
    actual: error.message,
    details: false,
  } as never);
}
