export type Random = ReturnType<typeof createRandom>

/** A seeded random generator (mulberry32), so that posts are the same at every start. */
export function createRandom(seed: number) {
  let state = seed

  /** At least 0 and below 1. */
  function fraction(): number {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }

  /** A whole number, both ends included. */
  const between = (min: number, max: number): number => min + Math.floor(fraction() * (max - min + 1))
  const chance = (probability: number): boolean => fraction() < probability

  /** @throws {RangeError} where `choices` is empty */
  function pick<T>(choices: readonly T[]): T {
    const choice = choices[between(0, choices.length - 1)]
    if (choice === undefined) throw new RangeError('Empty choices')
    return choice
  }

  return { between, chance, pick }
}
