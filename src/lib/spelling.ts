/** Finds names that were misspelled. */

/** Whether a name is another one in another spelling, or with a typing error or, in longer names, two. */
export function isClose(name: string, known: string): boolean {
  const [a, b] = [plain(name), plain(known)]
  const mistakes = b.length > 5 ? 2 : 1
  return Math.abs(a.length - b.length) <= mistakes && distance(a, b) <= mistakes
}

/** `modified_since` and `ModifiedSince` are spellings of `modifiedSince`. */
function plain(name: string): string {
  return name
    .slice(0, 60)
    .toLowerCase()
    .replaceAll(/[^a-z0-9]/g, '')
}

/** How many letters were left out, added, mistaken, or swapped with the next one (optimal string alignment distance). */
function distance(a: string, b: string): number {
  let [beforeLast, last]: [number[], number[]] = [[], Array.from({ length: b.length + 1 }, (_, j) => j)]
  for (let i = 1; i <= a.length; i++) {
    const row = [i]
    for (let j = 1; j <= b.length; j++) {
      const isSame = a[i - 1] === b[j - 1]
      const isSwapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]
      const costs = [at(last, j) + 1, at(row, j - 1) + 1, at(last, j - 1) + (isSame ? 0 : 1)]
      row.push(Math.min(...costs, ...(isSwapped ? [at(beforeLast, j - 2) + 1] : [])))
    }
    beforeLast = last
    last = row
  }
  return at(last, b.length)
}

function at(row: readonly number[], index: number): number {
  return row[index] ?? 0
}
