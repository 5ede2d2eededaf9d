// Work on several things, some at a time. In: the things, the work. Out: nothing, when all of it is done; the first
// error, when nothing is being worked on any more. Used by pull.ts and push.ts.

/** @param signal of `work` is aborted when another one has failed */
export async function runQueue<Thing>(
  things: readonly Thing[],
  parallel = 3,
  work: (thing: Thing, signal: AbortSignal) => Promise<void>,
): Promise<void> {
  const queue = [...things];
  const stop = new AbortController();
  const worker = async () => {
    for (let thing = queue.shift(); thing !== undefined && !stop.signal.aborted; thing = queue.shift()) {
      try {
        await work(thing, stop.signal);
      } catch (error) {
        stop.abort(error);
      }
    }
  };
  // All of them are waited for: none may write into the store after we have said that it failed.
  await Promise.all(Array.from({ length: parallel }, worker));
  stop.signal.throwIfAborted();
}
