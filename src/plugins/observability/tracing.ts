import type { FastifyInstance, FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'
import type { Configured } from '../../config/index.ts'
import type { ServerSpan, Tracer } from './spans.ts'

/**
 * OpenTelemetry traces: a span for each request, and below it one for each exchange and each attempt to call Graph.
 *
 * A message joins the trace that its `_meta.traceparent` names (MCP 2026-07-28, SEP-414), else that of the HTTP header;
 * so the span of a call has the time of the request's arrival, but is created once its trace is known. Names and attributes: OpenTelemetry semantic conventions for MCP and HTTP.
 */
export const tracing = fp<Configured>(
  async (app, { config: { traces } }) => {
    if (traces === undefined) throw new Error('OTEL_EXPORTER_OTLP_ENDPOINT is not set')
    // Some hundred files, loaded only if used.
    const { createTracer } = await import('./otlp.ts')
    const tracer = createTracer(traces, (why) => {
      if (why === undefined) app.audit('traces_available', {})
      else app.audit('traces_unavailable', { why })
    })
    traceRequests(app, tracer)
    app.addHook('onClose', () => tracer.close())
  },
  { name: 'tracing', dependencies: ['observability'], decorators: { fastify: ['audit'] } },
)

function traceRequests(app: FastifyInstance, tracer: Tracer) {
  const spans = new WeakMap<FastifyRequest, ServerSpan>()
  const arrivals = new WeakMap<FastifyRequest, number>()

  app.addHook('onRequest', (request, reply, next) => {
    const { traceparent } = request.headers
    arrivals.set(request, Date.now())
    // A message may name another trace; other requests cannot.
    if (request.routeOptions.url !== '/mcp' || tracer.isTraceParent(traceparent)) begin(request, traceparent)
    reply.raw.once('close', () => end(request, reply.raw.writableFinished ? reply.statusCode : 499))
    next()
  })

  app.addHook('preHandler', (request, _reply, next) => {
    const { traceparent } = request.headers
    const named = request.routeOptions.url === '/mcp' ? traceParentOf(request.body) : undefined
    if (tracer.isTraceParent(named)) begin(request, named, named === traceparent ? undefined : traceparent)
    else if (request.trace === null) begin(request, undefined)
    next()
  })

  // Rejected before its body was read.
  app.addHook('onResponse', (request, _reply, next) => {
    if (request.trace === null) begin(request, undefined)
    next()
  })

  function begin(request: FastifyRequest, parent: unknown, link?: unknown) {
    const span = tracer.server({ parent, link, startMs: arrivals.get(request) ?? Date.now() })
    spans.set(request, span)
    request.trace = span
    request.log = app.log.child({ requestId: request.id, traceId: span.traceId })
  }

  function end(request: FastifyRequest, status: number) {
    const span = spans.get(request)
    if (span === undefined) return
    const { method, caller, rpc, routeOptions } = request
    const outcome = rpc?.outcome
    span.rename(nameOf(request))
    span.end(
      {
        'http.request.method': method,
        'http.route': routeOptions.url,
        'http.response.status_code': status,
        'user.hash': caller?.userKey,
        'message_center.request.id': request.id,
        'message_center.outcome': outcome,
        ...(rpc && {
          'mcp.method.name': rpc.rpcMethod,
          'gen_ai.tool.name': rpc.tool,
          'gen_ai.operation.name': rpc.tool && 'execute_tool',
        }),
      },
      status >= 500 ? (outcome ?? String(status)) : status === 200 && outcome !== undefined ? 'tool_error' : undefined,
    )
  }
}

/** `{mcp.method.name} {gen_ai.tool.name}` for messages, `{method} {route}` for the rest. */
function nameOf({ rpc, method, routeOptions }: FastifyRequest): string {
  const parts = rpc?.rpcMethod === undefined ? [method, routeOptions.url] : [rpc.rpcMethod, rpc.tool]
  return parts.filter((part) => part !== undefined).join(' ')
}

function traceParentOf(body: unknown): unknown {
  const { params } = (body ?? {}) as { params?: { _meta?: { traceparent?: unknown } | null } | null }
  return params?._meta?.traceparent
}
