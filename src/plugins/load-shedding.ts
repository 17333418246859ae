import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'
import type { Audit } from '../audit.ts'
import { Failure } from '../errors.ts'

/** How often it is noted that the event loop turns; how late the next note is tells how long this turn takes. */
const noteEveryMs = 20
/** A turn this long begins an overload: longer than collecting garbage takes, shorter than anybody waits. */
const lateMs = 100
/** While requests are shed, turns are kept to this, and with them the time that those let in wait. */
const lateWhileSheddingMs = 25
/** Requests are shed until none had to be for so long. */
const sheddingMs = 1_000
/** Requests that one turn takes whatever the time: one that is late with fewer had a pause, such as to collect garbage. */
const perTurnAtLeast = 50
/** Each may hold a body and an answer, and all wait at once where Entra hangs. */
const requestsMax = 2_000
/** Four for each connection to Graph: whoever waits for one waits three times as long as Graph takes, at most. */
const callsMax = 256
/** Between two lines in the log. */
const saidEveryMs = 1_000

declare module 'fastify' {
  interface FastifyInstance {
    /** An onRequest hook for what may wait for Graph: refuses a call while too many wait already. */
    limitCalls(request: FastifyRequest, reply: FastifyReply, next: (error?: Error) => void): void
  }
  interface FastifyRequest {
    /** It was refused for the load: of such requests the log tells all at once. */
    isShed?: boolean
  }
}

export interface Load {
  /** By how much the event loop's turn is late. */
  readonly lateMs: number
  /** Requests that have come in this turn. */
  readonly cameInTurn: number
  /** Whether requests were shed for that a moment ago. */
  readonly isShedding: boolean
}

/** Whether the processor is so far behind that whoever is let in now is not answered in good time. */
export function isBehind(load: Load): boolean {
  return load.cameInTurn >= perTurnAtLeast && load.lateMs > (load.isShedding ? lateWhileSheddingMs : lateMs)
}

export interface LoadSheddingOptions {
  readonly audit: Audit
  /** Milliseconds of a clock that only goes forward. */
  readonly now?: () => number
}

/** Lets requests in, or refuses them while there are more than can be served in good time. */
export function createLoadShedding({ audit, now = () => performance.now() }: LoadSheddingOptions) {
  // Nothing is late before the first turn.
  let turnedMs = Number.POSITIVE_INFINITY
  let cameInTurn = 0
  let shedMs = Number.NEGATIVE_INFINITY
  let saidMs = Number.NEGATIVE_INFINITY
  let shed = { late: 0, full: 0 }
  const inFlight = { requests: 0, calls: 0 }

  function say() {
    if (shed.late + shed.full === 0) return
    audit('overloaded', { ...shed, inFlight: inFlight.requests })
    shed = { late: 0, full: 0 }
  }

  /** @returns how to leave again; undefined where there is no room */
  function enter(what: 'requests' | 'calls', most: number): (() => void) | undefined {
    if (inFlight[what] >= most) {
      shed.full++
      return undefined
    }
    inFlight[what]++
    return () => {
      inFlight[what]--
    }
  }

  return {
    /** Notes that the event loop has turned. */
    turned() {
      turnedMs = now()
      cameInTurn = 0
      if (turnedMs - saidMs < saidEveryMs) return
      saidMs = turnedMs
      say()
    },
    enterRequest() {
      const nowMs = now()
      const isShedding = nowMs - shedMs < sheddingMs
      if (isBehind({ lateMs: nowMs - turnedMs - noteEveryMs, cameInTurn: cameInTurn++, isShedding })) {
        shedMs = nowMs
        shed.late++
        return undefined
      }
      return enter('requests', requestsMax)
    },
    enterCall: () => enter('calls', callsMax),
    say,
  }
}

/** Made once: an error of its own for each, with its stack, would cost more than the rest of the answer. */
const refusals = [1, 2, 3].map((retryAfterSeconds) => new Failure('overloaded', { retryAfterSeconds }))

/**
 * Refuses requests with 503 and Retry-After (RFC 9110 section 15.6.4) while there are more than can be answered in good
 * time: while the event loop is behind, or too many wait for others. Those let in are answered as usual, nearly.
 */
export const loadShedding = fp(
  async (app) => {
    const { turned, enterRequest, enterCall, say } = createLoadShedding({ audit: app.audit })
    let timer: NodeJS.Timeout | undefined
    let refused = 0

    const gate =
      (enter: () => (() => void) | undefined): FastifyInstance['limitCalls'] =>
      (request, reply, next) => {
        const leave = enter()
        if (leave === undefined) {
          request.isShed = true
          // One after the other, so that those who were refused together do not come back together.
          return next(refusals[refused++ % refusals.length])
        }
        // And not onResponse, which a client that went away never lets happen.
        reply.raw.once('close', leave)
        next()
      }
    app.decorateRequest('isShed', false)
    app.addHook('onRequest', gate(enterRequest))
    app.decorate('limitCalls', gate(enterCall))
    app.addHook('onListen', async () => {
      turned()
      timer = setInterval(turned, noteEveryMs).unref()
    })
    app.addHook('onClose', async () => {
      clearInterval(timer)
      say()
    })
  },
  { name: 'load-shedding', dependencies: ['observability', 'failures'] },
)
