import { hostname } from 'node:os'
import { type FastifyReply, type FastifyRequest, LogController } from 'fastify'
import fp from 'fastify-plugin'
import type { DestinationStream } from 'pino'
import type { Config } from '../../config/index.ts'
import { probePaths } from '../../lib/probes.ts'
import { requestIdOf } from '../../lib/request-id.ts'
import { type Audit, type AuditListeners, createAudit } from './audit.ts'
import { createRefusalSampling } from './refusal-sampling.ts'
import type { TraceSpan } from './spans.ts'

/** Where log lines go, and how many of them it dropped, where it does. */
export type LogDestination = DestinationStream & { readonly dropped?: number }

/**
 * Log lines are JSON; none holds a header, a body or a query string, so that no token or code can get into one.
 * Requests are numbered by GUID, since the same id goes to Entra and Graph as `client-request-id`.
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

/** One line a request, when it is over. */
class RequestLog extends LogController {
  override incomingRequest() {}
  override routeNotFound() {}

  override requestCompleted(error: Error | null | undefined, request: FastifyRequest, reply: FastifyReply) {
    const line = lineOf(request, reply, reply.statusCode)
    if (error) request.audit('request', { ...line, err: error }, { level: 'warn', message: 'request broken off' })
    // A probe that finds all well comes every few seconds and tells nothing.
    else request.audit('request', line, isRoutineProbe(line) ? { level: 'debug' } : {})
  }

  /** The client went away with part of a large answer. */
  override streamError(error: Error, request: FastifyRequest, reply: FastifyReply) {
    this.requestCompleted(error, request, reply)
  }
}

function isRoutineProbe({ route, status }: { route: string; status: number }): boolean {
  return status === 200 && probePaths.has(route)
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
    /** Logs an event that is no single request's own; its fields say which request it was for, if any. */
    audit: Audit
    /** Calls back with the fields of each event that is logged from now on, at whatever level. */
    onAudit(listeners: AuditListeners): void
  }
  interface FastifyRequest {
    /** Logs an event of this request, under its id. */
    audit: Audit
    /** Where this request is in a trace; null where tracing is off. */
    trace: TraceSpan | null
  }
}

/**
 * Events, and an id for every answer under which the log tells its story. Requests whose client went away, of which
 * Fastify says nothing, get a line too (status 499, as nginx has it).
 */
export const observability = fp(
  async (app) => {
    const trail = createAudit()
    const audit: Audit = (name, fields, how) => trail.write(app.log, name, fields, how)
    const refusals = createRefusalSampling((omitted) => audit('lines_omitted', omitted))
    app.addHook('onClose', async () => refusals.close())
    app.decorate('audit', audit)
    app.decorate('onAudit', trail.listen)
    app.decorateRequest('trace', null)
    app.decorateRequest('audit', function (this: FastifyRequest, name, fields, how) {
      const isWritten = refusals.admits(name, fields)
      trail.write(this.log, name, fields, isWritten ? how : { ...how, level: 'debug' })
    } as Audit)

    app.addHook('onRequest', (request, reply, next) => {
      reply.header('x-request-id', request.id)
      reply.raw.once('close', () => {
        if (!reply.raw.writableFinished)
          request.audit('request', lineOf(request, reply, 499), { message: 'client gone' })
      })
      next()
    })
  },
  { name: 'observability' },
)
