// A word that nobody knows and the words that are known come in; the nearest one, if any is near, goes out.

/** The known word that needs the fewest edits, if that is few enough to be a slip of the fingers. */
export function findNearest(word: string, known: readonly string[]): string | undefined {
  const wanted = normalize(word);
  let best: string | undefined;
  let bestDistance = Math.max(1, Math.floor(Math.min(wanted.length, 40) / 3)) + 1;
  for (const candidate of known) {
    const distance = countEdits(wanted, normalize(candidate), bestDistance);
    if (distance < bestDistance) [best, bestDistance] = [candidate, distance];
  }
  return best;
}

/** `; did you mean "x"?`, or nothing. */
export function nearestHint(word: string | undefined, known: readonly string[]): string {
  const nearest = word === undefined ? undefined : findNearest(word, known);
  return nearest === undefined ? "" : `; did you mean "${nearest}"?`;
}

const normalize = (word: string) => word.slice(0, 80).toLowerCase().replaceAll("-", "_");

/** Edits (insert, delete, replace, swap of neighbours) from one word to the other; `limit` if that many or more. */
function countEdits(from: string, to: string, limit: number): number {
  if (Math.abs(from.length - to.length) >= limit) return limit;
  let beforePrevious: number[] = [];
  let previous = Array.from({ length: to.length + 1 }, (_, column) => column);
  for (let row = 1; row <= from.length; row++) {
    const current = [row];
    for (let column = 1; column <= to.length; column++) {
      const same = from[row - 1] === to[column - 1];
      let cost = Math.min(
        (previous[column] ?? limit) + 1,
        (current[column - 1] ?? limit) + 1,
        (previous[column - 1] ?? limit) + (same ? 0 : 1),
      );
      const swapped = from[row - 1] === to[column - 2] && from[row - 2] === to[column - 1];
      if (row > 1 && column > 1 && swapped) cost = Math.min(cost, (beforePrevious[column - 2] ?? limit) + 1);
      current.push(cost);
    }
    [beforePrevious, previous] = [previous, current];
  }
  return Math.min(previous[to.length] ?? limit, limit);
}
