/** The end of a piece of work as a whole, with all its attempts and pauses. */
export interface Deadline {
  /** Milliseconds until then, 0 from then on. */
  readonly leftMs: number
}

/** @param now a clock that only goes forward: work takes no longer because somebody sets the time of day */
export function deadlineIn(ms: number, now: () => number = () => performance.now()): Deadline {
  const endMs = now() + ms
  return {
    get leftMs() {
      return Math.max(endMs - now(), 0)
    },
  }
}

/**
 * Waits for work until its deadline, and no longer: the work may go on, for others or for nobody.
 *
 * @throws what the work throws, or what `late` makes
 */
export function beforeDeadline<T>(work: Promise<T>, { leftMs }: Deadline, late: () => Error): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(late()), leftMs)
    work.then(resolve, reject).finally(() => clearTimeout(timer))
  })
}
