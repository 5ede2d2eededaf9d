// The compiled form of our own program. In: nothing. Out: a file in the cache, where this start was the first of its
// kind (loader.ts); done last, so that every function that a start needs is in it. Used by start.ts.

// A parameter of the function around the bundle; there is none where the sources are run as they are.
declare const keepCode: (() => void) | undefined;

/** Lets the next start have what V8 has compiled in this one. */
export function keepCompiledCode(): void {
  if (typeof keepCode === "function") keepCode();
}
