import { randomUUID } from 'node:crypto'
import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { FastifyReply, FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'
import type { Audit } from '../audit.ts'
import { Failure, failureText, httpAnswer, jsonRpcError } from '../errors.ts'
import { probePaths } from '../http/probes.ts'
import { requestIdOf } from '../http/request-id.ts'

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

export interface LoadSheddingOptions {
  readonly audit: Audit
  /** Milliseconds of a clock that only goes forward. */
  readonly now?: () => number
  /** Has something done once the event loop has taken all that had come as its turn began. */
  readonly afterTurn?: (done: () => void) => void
}

type Leave = () => void

/** Lets requests in, or refuses them while there are more than can be served in good time. */
export function createLoadShedding({
  audit,
  now = () => performance.now(),
  afterTurn = setImmediate,
}: LoadSheddingOptions) {
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

/** One after the other, so that those who were refused together do not come back together. */
const failures = [1, 2, 3].map((retryAfterSeconds) => new Failure('overloaded', { retryAfterSeconds }))

/**
 * Refuses requests with 503 and Retry-After (RFC 9110 section 15.6.4) while there are more than can be answered in good
 * time: while the event loop is behind, or too many wait for others. Those let in are answered as usual, nearly.
 *
 * Requests are judged as Node hands them over, before Fastify has seen them: to route one and have its hooks answer it
 * costs as much again as a refusal, and what refusals cost is taken from those who could be served. Probes and a
 * browser's preflights are let in always.
 */
export const loadShedding = fp(
  async (app) => {
    const { enterRequest, enterCall, say } = createLoadShedding({ audit: app.audit })
    const refusals = failures.map((failure) => ({ rpc: rpcRefusal(failure), text: textRefusal(failure) }))
    const headers = Object.entries(app.securityHeaders()).flat()
    let timer: NodeJS.Timeout | undefined
    let refused = 0

    guard(app.server, (request, response) => {
      if (request.method === 'OPTIONS' || probePaths.has(request.url ?? '')) return true
      const leave = enterRequest()
      if (leave !== undefined) {
        response.once('close', leave)
        return true
      }
      const { rpc, text } = refusals[refused++ % refusals.length] as (typeof refusals)[number]
      const { origin } = request.headers
      const security = origin === undefined ? headers : Object.entries(app.securityHeaders(origin)).flat()
      refuse(request.url === '/mcp' ? rpc : text, requestIdOf(request), response, security)
      return false
    })
    app.decorateRequest('isShed', false)
    app.decorate('limitCalls', (request, reply, next) => {
      const leave = enterCall()
      if (leave === undefined) {
        request.isShed = true
        return next(failures[refused++ % failures.length])
      }
      // And not onResponse, which a client that went away never lets happen.
      reply.raw.once('close', leave)
      next()
    })
    app.addHook('onListen', async () => {
      timer = setInterval(say, saidEveryMs).unref()
    })
    app.addHook('onClose', async () => {
      clearInterval(timer)
      say()
    })
  },
  { name: 'load-shedding', dependencies: ['observability', 'failures', 'security'] },
)

/** Has each request judged before the server's own listeners hear of it; who is not let in has its answer. */
function guard(server: Server, isLetIn: (request: IncomingMessage, response: ServerResponse) => boolean) {
  const listeners = server.listeners('request')
  server.removeAllListeners('request')
  server.on('request', (request, response) => {
    if (isLetIn(request, response)) for (const listener of listeners) listener.call(server, request, response)
  })
}

/** A refusal as it goes out, but for the request's id: made once, since that would be two fifths of its cost. */
interface Refusal {
  readonly status: number
  /** Names and values in turn, as `writeHead` takes them. */
  readonly headers: readonly string[]
  readonly body: (id: string) => string
}

/** To an MCP client. */
function rpcRefusal(failure: Failure): Refusal {
  const mark = randomUUID()
  const [before, after] = JSON.stringify(jsonRpcError(failure, mark)).split(mark)
  return refusalOf(failure, 'application/json; charset=utf-8', (id) => `${before}${id}${after}`)
}

/** To all others, who may be people at their browser. */
function textRefusal(failure: Failure): Refusal {
  const text = failureText(failure)
  return refusalOf(failure, 'text/plain; charset=utf-8', () => text)
}

function refusalOf(failure: Failure, contentType: string, body: Refusal['body']): Refusal {
  const headers = {
    'retry-after': String(failure.details.retryAfterSeconds),
    'cache-control': 'no-store',
    'content-type': contentType,
    // Ids are all of one length.
    'content-length': String(Buffer.byteLength(body(randomUUID()))),
  }
  return { status: httpAnswer(failure).status, headers: Object.entries(headers).flat(), body }
}

function refuse({ status, headers, body }: Refusal, id: string, response: ServerResponse, security: readonly string[]) {
  response.writeHead(status, [...security, ...headers, 'x-request-id', id]).end(body(id))
}
