import { randomUUID } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import { hostname } from 'node:os'
import { type FastifyBaseLogger, type FastifyReply, type FastifyRequest, LogController } from 'fastify'
import fp from 'fastify-plugin'
import type { DestinationStream } from 'pino'
import type { Config } from '../../config/index.ts'
import { type Audit, type AuditListeners, createAudit } from './audit.ts'
import { createLogSampling } from './log-sampling.ts'
import type { TraceSpan } from './otlp.ts'

/** A log destination; `dropped` counts the lines that it lost. */
export type LogDestination = DestinationStream & { readonly dropped?: number }

/**
 * Log lines are JSON; none holds a header, a body or a query string, so that no token or code can get into one.
 */
export function loggingOptions(
  { logLevel, entra }: { readonly logLevel: string; readonly entra: Pick<Config['entra'], 'tenantId'> },
  logTo?: LogDestination,
) {
  return {
    logger: {
      level: logLevel,
      base: { pid: process.pid, hostname: hostname(), tenant: entra.tenantId },
      serializers: { req: () => ({}), res: () => ({}) },
      ...(logTo !== undefined && { stream: logTo }),
    },
    logController: new RequestLog({ requestIdLogLabel: 'requestId' }),
    genReqId: requestIdOf,
  }
}

const guid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i

/**
 * The id under which a request is known: the `X-Request-Id` that it brings, where that is a GUID. Entra and Graph take
 * it as `client-request-id`, and they take nothing else.
 */
function requestIdOf({ headers }: IncomingMessage): string {
  const given = headers['x-request-id']
  return typeof given === 'string' && guid.test(given) ? given.toLowerCase() : randomUUID()
}

/** One line per request, when it ends. */
class RequestLog extends LogController {
  override incomingRequest() {}
  override routeNotFound() {}

  override requestCompleted(error: Error | null | undefined, request: FastifyRequest, reply: FastifyReply) {
    const line = lineOf(request, reply, reply.statusCode)
    if (error) request.audit('request', { ...line, err: error }, { level: 'warn', message: 'response aborted' })
    // A successful probe comes every few seconds and tells nothing.
    else request.audit('request', line, isRoutineProbe(line) ? { level: 'debug' } : {})
  }

  /** The client closed the connection during a large response. */
  override streamError(error: Error, request: FastifyRequest, reply: FastifyReply) {
    this.requestCompleted(error, request, reply)
  }
}

function isRoutineProbe({ route, status }: { route: string; status: number }): boolean {
  return status === 200 && (route === '/healthz' || route === '/readyz')
}

function lineOf(request: FastifyRequest, reply: FastifyReply, status: number) {
  return {
    method: request.method,
    route: request.routeOptions.url ?? 'none',
    status,
    ms: Math.round(reply.elapsedTime * 10) / 10,
    ...(request.caller && { user: request.caller.userKey, client: request.caller.clientId }),
    ...request.rpc,
  }
}

declare module 'fastify' {
  interface FastifyInstance {
    /** Logs an event outside of a request's scope; its fields name the request, if there is one. */
    audit: Audit
    /** Calls back with the fields of each event that is logged from now on, at any level. */
    onAudit(listeners: AuditListeners): void
  }
  interface FastifyRequest {
    /** Logs an event of this request, under its id. */
    audit: Audit
    /** The request's span; null where tracing is off. */
    trace: TraceSpan | null
  }
}

/**
 * Events, and on every response the id under which the log has them. Requests whose client closed the connection, which
 * Fastify does not log, get a line too (status 499, as in nginx).
 */
export const observability = fp(
  async (app) => {
    const trail = createAudit()
    const sampling = createLogSampling((omitted) => audit('lines_omitted', omitted))
    const write: (log: FastifyBaseLogger, ...event: Parameters<Audit>) => void = (log, name, fields, override) => {
      const isLogged = sampling.admits(name, fields)
      trail.write(log, name, fields, isLogged ? override : { ...override, level: 'debug' })
    }
    const audit: Audit = (name, fields, override) => write(app.log, name, fields, override)
    app.addHook('onClose', async () => sampling.close())
    app.decorate('audit', audit)
    app.decorate('onAudit', trail.listen)
    app.decorateRequest('trace', null)
    app.decorateRequest('audit', function (this: FastifyRequest, name, fields, override) {
      write(this.log, name, fields, override)
    } as Audit)

    app.addHook('onRequest', (request, reply, next) => {
      reply.header('x-request-id', request.id)
      reply.raw.once('close', () => {
        if (!reply.raw.writableFinished)
          request.audit('request', lineOf(request, reply, 499), { message: 'client closed the connection' })
      })
      next()
    })
  },
  { name: 'observability' },
)
