import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import type { FastifyInstance, FastifyReply } from 'fastify'
import type { Configured } from '../config/index.ts'
import { entryOf, Failure, type Reason, toFailure } from '../errors/index.ts'
import { deadlineIn } from '../lib/deadline.ts'
import { jsonParser } from '../plugins/mcp/json-parser.ts'
import { loggableMethod, ReceivedMessage } from '../plugins/mcp/message.ts'

/** No tool call comes near this. */
const bodyLimit = 256 * 1024

/** For messages that need no Graph. */
const noGraph = { access: new Failure('sign_in_required') }

declare module 'fastify' {
  interface FastifyRequest {
    /** What the request asked for and how it ended, for its log line. */
    rpc: { rpcMethod: string | undefined; tool?: string; outcome?: Reason; ageSeconds?: number } | null
  }
}

/** The MCP endpoint. What comes here has passed security, limits and `authenticate`. */
export async function mcpRoutes(app: FastifyInstance, { config }: Configured) {
  app.decorateRequest('rpc', null)
  await app.register(jsonParser)
  if (config.oauthProxy !== undefined) {
    // Clients that sign in through the proxy do not pass a claims challenge on.
    app.addHook('onError', async ({ caller }, _reply, error) => {
      const { claims } = toFailure(error).details
      if (caller !== null && claims !== undefined)
        await app.oauthProxy.pendingClaims.set(`user:${caller.userKey}`, claims)
    })
  }

  app
    .withTypeProvider<TypeBoxTypeProvider>()
    .post('/mcp', { schema: { body: ReceivedMessage }, bodyLimit }, async (request, reply) => {
      const { message, ignored } = app.mcp.normalize(request.body)
      const tool = app.mcp.calledTool(message)
      const { caller } = request
      const waiting = { signal: untilClosed(reply), deadline: deadlineIn(config.timeouts.callMs - reply.elapsedTime) }
      request.rpc = { rpcMethod: loggableMethod(message.method), ...(tool && { tool: tool.definition.name }) }
      if (message.method === 'tools/call' && tool === undefined) request.rpc.outcome = 'bad_request'

      const use = app.mcp.graphUse(message)
      const access = use === undefined ? noGraph : await app.graphAccess.open(request, { message, use, ...waiting })
      const response = await app.mcp.dispatch(request, message, { caller, ignored, ...access, ...waiting })

      const { failure, ageSeconds } = response
      if (ageSeconds !== undefined) request.rpc.ageSeconds = ageSeconds
      if (failure !== undefined) {
        request.rpc.outcome = failure.reason
        app.graphAccess.invalidateOnFailure(failure, request, access)
        // What HTTP has to say is not said by a result.
        if (entryOf(failure.reason).kind === 'http') throw failure
      }
      reply.code(response.status).header('cache-control', 'no-store')
      if (response.contentType !== undefined) reply.header('content-type', response.contentType)
      return reply.send(response.body ?? undefined)
    })

  const rejectMethod = async () => {
    throw new Failure('method_not_allowed')
  }
  // In onRequest already: a client that says Content-Type and sends no body is to hear of the method, not of JSON.
  const methods = app.supportedMethods.filter((method) => !['POST', 'OPTIONS', 'HEAD'].includes(method))
  app.route({ method: methods, url: '/mcp', onRequest: rejectMethod, handler: rejectMethod })
}

/** Aborted when the client closes the connection before it has its response. */
function untilClosed({ raw }: FastifyReply): AbortSignal {
  const abort = new AbortController()
  raw.once('close', () => {
    if (!raw.writableFinished) abort.abort()
  })
  return abort.signal
}
