/** The candidate most like `name`, if one is near enough to be meant. */
export function nearest(
  name: string,
  candidates: readonly string[],
): string | undefined {
  let best: string | undefined;
  let bestDistance = longestDistance(name) + 1;
  for (const candidate of candidates) {
    const distance = distanceOf(name, candidate);
    if (distance < bestDistance) {
      best = candidate;
      bestDistance = distance;
    }
  }
  return best;
}

/** In a short word two other letters make another word, and one in a letter. */
function longestDistance(name: string): number {
  if (name.length <= 1) return 0;
  return name.length <= 4 ? 1 : Math.max(2, Math.floor(name.length / 3));
}

function distanceOf(name: string, candidate: string): number {
  if (name.toLowerCase() === candidate.toLowerCase()) return 0;
  // Who stopped typing too early meant the longer word.
  if (name.length > 3 && candidate.startsWith(name)) return 1;
  return editDistance(name, candidate);
}

/**
 * Insertions, deletions, replacements and swaps of neighbours that turn one text
 * into the other ("optimal string alignment").
 */
function editDistance(a: string, b: string): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, at) => at);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const replaced = last[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1);
      const isSwap = i > 1 && j > 1 && a[i - 1] === b[j - 2] &&
        a[i - 2] === b[j - 1];
      const swapped = isSwap ? beforeLast[j - 2]! + 1 : Infinity;
      row.push(Math.min(last[j]! + 1, row[j - 1]! + 1, replaced, swapped));
    }
    beforeLast = last;
    last = row;
  }
  return last[b.length]!;
}
