/** What Graph takes of an app in one tenant: `calls` in any `ms`. */
export interface CallLimit {
  readonly window: 'minute' | 'hour'
  readonly ms: number
  readonly calls: number
}

/** The most that one user gets of a window, whatever is left of it: a quarter, and ten where a quarter is less. */
export function shareOf({ calls }: CallLimit): number {
  return Math.max(Math.floor(calls / 4), 10)
}

/** A window as one user finds it. */
export interface WindowView {
  /** Calls in it, everybody's. */
  readonly all: number
  /** This user's among them. */
  readonly own: number
  /** When the next call of this user fits in, if nobody else calls meanwhile; 0: now. */
  readonly waitMs: number
}

/**
 * The calls made, and when a further one of a user may follow: nobody may have had more of a window than is left of it, so
 * that there is always something for the next; calls of everybody and calls of this user, counted together, have to be
 * fewer than the limit. And nobody gets more than {@link shareOf} it, so that a few users cannot leave next to nothing.
 *
 * Windows slide: each call leaves a window exactly when its time is over. Refused calls are not entered, so that a log is
 * no longer than its limit.
 */
export interface CallLog {
  /** The windows, in the order of the limits, as this user finds them. */
  views(user: string, nowMs: number): WindowView[]
  enter(user: string, nowMs: number): void
}

/** A log of what this process calls. Times must not run backwards. */
export function createCallLog(limits: readonly CallLimit[]): CallLog {
  const windows = limits.map(createWindow)
  return {
    views: (user, nowMs) => windows.map((window) => window.view(user, nowMs)),
    enter(user, nowMs) {
      for (const window of windows) window.enter(user, nowMs)
    },
  }
}

function createWindow(callLimit: CallLimit) {
  const { ms, calls: limit } = callLimit
  const share = shareOf(callLimit)
  /** Oldest first. */
  const calls: { readonly user: string; readonly atMs: number }[] = []
  const callsOf = new Map<string, number>()

  function forget(nowMs: number) {
    for (let [oldest] = calls; oldest !== undefined && oldest.atMs + ms <= nowMs; [oldest] = calls) {
      calls.shift()
      const left = (callsOf.get(oldest.user) ?? 0) - 1
      if (left > 0) callsOf.set(oldest.user, left)
      else callsOf.delete(oldest.user)
    }
  }

  /** When so much has left: the user's own calls count twice, once with everybody's and once as theirs. */
  function waitMs(user: string, excess: number, nowMs: number): number {
    let left = 0
    for (const call of calls) {
      left += call.user === user ? 2 : 1
      if (left >= excess) return call.atMs + ms - nowMs
    }
    return ms
  }

  /** When so many of the user's own calls have left. */
  function ownWaitMs(user: string, excess: number, nowMs: number): number {
    let left = 0
    const last = calls.find((call) => call.user === user && ++left >= excess)
    return last === undefined ? ms : last.atMs + ms - nowMs
  }

  return {
    view(user: string, nowMs: number): WindowView {
      forget(nowMs)
      const all = calls.length
      const own = callsOf.get(user) ?? 0
      const excess = all + own - limit + 1
      const ownExcess = own - share + 1
      return {
        all,
        own,
        waitMs: Math.max(
          excess <= 0 ? 0 : waitMs(user, excess, nowMs),
          ownExcess <= 0 ? 0 : ownWaitMs(user, ownExcess, nowMs),
        ),
      }
    },
    enter(user: string, nowMs: number) {
      calls.push({ user, atMs: nowMs })
      callsOf.set(user, (callsOf.get(user) ?? 0) + 1)
    },
  }
}
