import type { Audit } from '../observability/audit.ts'

/** A turn of the event loop is behind with a request that comes so late in it, after so many others. */
interface Behind {
  readonly waitedMs: number
  readonly taken: number
}
/** An overload begins: with more than garbage being collected, and with more than a pool of 64 clients, each in turn. */
const begins: Behind = { waitedMs: 100, taken: 64 }
/** It goes on: turns are kept short, and with them the time that those let in wait. */
const goesOn: Behind = { waitedMs: 10, taken: 32 }
/** It is over when nobody had to be refused for so long. */
const overAfterMs = 200
/** Each may hold a body and an answer, and all wait at once where Entra hangs. */
const requestsMax = 2_000
/** Three for each connection to Graph: whoever waits for one waits twice as long as Graph takes, at most. */
const callsMax = 192

export interface Load {
  /** Since the event loop's turn took its first request: at least so long has the one that it takes now waited. */
  readonly waitedMs: number
  /** Requests that the turn has taken before. */
  readonly taken: number
  /** Whether somebody had to be refused for that a moment ago. */
  readonly isOverloaded: boolean
}

/** Whether the processor is so far behind that whoever is let in now is not answered in good time. */
export function isBehind({ waitedMs, taken, isOverloaded }: Load): boolean {
  const most = isOverloaded ? goesOn : begins
  return waitedMs > most.waitedMs && taken >= most.taken
}

export interface AdmissionControlOptions {
  readonly audit: Audit
  /** Milliseconds of a clock that only goes forward. */
  readonly now?: () => number
  /** Has something done once the event loop has taken all that had come as its turn began. */
  readonly afterTurn?: (done: () => void) => void
}

type Leave = () => void

/** Lets requests in, or refuses them while there are more than can be served in good time. */
export function createAdmissionControl({
  audit,
  now = () => performance.now(),
  afterTurn = setImmediate,
}: AdmissionControlOptions) {
  const inFlight = { requests: 0, calls: 0 }
  let turnBeganMs: number | undefined
  let taken = 0
  let refusedMs = Number.NEGATIVE_INFINITY
  let shed = { late: 0, full: 0, calls: 0 }

  function isLate(): boolean {
    const nowMs = now()
    if (turnBeganMs === undefined) {
      turnBeganMs = nowMs
      taken = 0
      afterTurn(() => {
        turnBeganMs = undefined
      })
    }
    const isOverloaded = nowMs - refusedMs < overAfterMs
    if (!isBehind({ waitedMs: nowMs - turnBeganMs, taken: taken++, isOverloaded })) return false
    refusedMs = nowMs
    return true
  }

  /** @returns how to leave again; undefined where there is no room */
  function enter(what: 'requests' | 'calls', most: number): Leave | undefined {
    if (inFlight[what] >= most) return undefined
    inFlight[what]++
    return () => {
      inFlight[what]--
    }
  }

  return {
    enterRequest(): Leave | undefined {
      if (isLate()) {
        shed.late++
        return undefined
      }
      const leave = enter('requests', requestsMax)
      if (leave === undefined) shed.full++
      return leave
    },
    enterCall(): Leave | undefined {
      const leave = enter('calls', callsMax)
      if (leave === undefined) shed.calls++
      return leave
    },
    /** Tells of those who were refused since the last time, if any were. */
    say(): void {
      if (shed.late + shed.full + shed.calls === 0) return
      audit('overloaded', { ...shed, inFlight: inFlight.requests })
      shed = { late: 0, full: 0, calls: 0 }
    },
  }
}
