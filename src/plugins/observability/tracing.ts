import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'
import type { Configured } from '../../config/index.ts'
import type { Tracer } from './otlp.ts'

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
  { name: 'tracing', dependencies: ['observability'] },
)

function traceRequests(app: FastifyInstance, tracer: Tracer) {
  app.addHook('onRequest', (request, reply, next) => {
    const { traceparent } = request.headers
    // A message may name another trace; other requests cannot.
    if (request.routeOptions.url !== '/mcp' || tracer.isTraceParent(traceparent)) begin(request, reply, traceparent)
    reply.raw.once('close', () => end(request, reply.raw.writableFinished ? reply.statusCode : 499))
    next()
  })

  app.addHook('preHandler', (request, reply, next) => {
    const { traceparent } = request.headers
    const named = request.routeOptions.url === '/mcp' ? traceParentOf(request.body) : undefined
    if (tracer.isTraceParent(named)) begin(request, reply, named, named === traceparent ? undefined : traceparent)
    else if (request.trace === null) begin(request, reply)
    next()
  })

  // Rejected before its body was read.
  app.addHook('onResponse', (request, reply, next) => {
    if (request.trace === null) begin(request, reply)
    next()
  })

  function begin(request: FastifyRequest, reply: FastifyReply, parent?: unknown, link?: unknown) {
    request.trace = tracer.server(parent, link, Date.now() - reply.elapsedTime)
    request.log = app.log.child({ requestId: request.id, traceId: request.trace.traceId })
  }

  function end(request: FastifyRequest, status: number) {
    const { method, caller, rpc, routeOptions, trace } = request
    const outcome = rpc?.outcome
    trace?.rename(nameOf(request))
    trace?.end(
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
