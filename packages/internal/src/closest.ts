/** The candidate that a mistyped word may mean: few letters apart, for its length. */
export function closest(word: string, candidates: readonly string[]): string | undefined {
  const near = candidates
    .map((candidate) => ({ candidate, most: Math.max(word.length, candidate.length) * 0.4 }))
    // They are at least as far apart as their lengths: what is not a name, but a text without end, is compared with none.
    .filter(({ candidate, most }) => Math.abs(word.length - candidate.length) <= most)
    .map(({ candidate, most }) => ({ candidate, most, distance: letters(word, candidate) }))
    .filter(({ most, distance }) => distance <= most)
  return near.sort((a, b) => a.distance - b.distance)[0]?.candidate
}

/** Letters to change, add or leave out. */
function letters(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i)
  for (let i = 0; i < a.length; i++) {
    const next = [i + 1]
    for (let j = 0; j < b.length; j++)
      next.push(Math.min(row[j] + (a[i] === b[j] ? 0 : 1), row[j + 1] + 1, next[j] + 1))
    row = next
  }
  return row[b.length]
}
