import { hash } from 'node:crypto'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { Type } from 'typebox'
import type { Configured } from '../config/index.ts'
import { entryOf, Failure, type Reason, toFailure } from '../errors/index.ts'
import { type Deadline, deadlineIn } from '../lib/deadline.ts'
import { jsonFault } from '../lib/strict-json.ts'
import type { McpCall, McpMessage } from '../plugins/mcp/index.ts'
import type { ReceivedMessage } from '../plugins/mcp/normalize-message.ts'
import type { Tool } from '../plugins/mcp/tool.ts'

/** No tool call comes near this. */
const bodyLimitBytes = 256 * 1024

interface GraphAccess extends Pick<McpCall, 'graph' | 'credentialHash'> {
  /** What Graph is asked with, where there is a token. */
  readonly accessToken?: string
}

/** For messages that need no Graph. */
const notSignedIn: GraphAccess = { graph: new Failure('sign_in_required') }

/** JSON-RPC 2.0 sections 4 and 5, one message: batches left MCP with revision 2025-06-18. */
const JsonRpcMessage = Type.Object({
  jsonrpc: Type.Literal('2.0'),
  id: Type.Optional(Type.Union([Type.String({ maxLength: 200 }), Type.Integer()])),
  method: Type.Optional(Type.String({ maxLength: 200 })),
  params: Type.Optional(Type.Object({}, { nullable: true })),
})

/** Methods that clients of either era send. A log line names no other: it would be the caller's own text. */
const knownMethods = new Set([
  'initialize',
  'ping',
  'server/discover',
  'tools/list',
  'tools/call',
  'resources/list',
  'resources/templates/list',
  'resources/read',
  'prompts/list',
  'prompts/get',
  'subscriptions/listen',
  'notifications/initialized',
  'notifications/cancelled',
])

declare module 'fastify' {
  interface FastifyRequest {
    /** What the request asked for and how it ended, for its log line. */
    rpc: { rpcMethod: string | undefined; tool?: string; outcome?: Reason; ageSeconds?: number } | null
  }
}

/** The MCP endpoint. What comes here has passed security, limits and `authenticate`. */
export async function mcpRoutes(app: FastifyInstance, { config }: Configured) {
  app.decorateRequest('rpc', null)
  parseStrictly(app)

  app.post<{ Body: ReceivedMessage }>(
    '/mcp',
    { schema: { body: JsonRpcMessage }, bodyLimit: bodyLimitBytes },
    async (request, reply) => {
      const { caller } = request
      const message = app.mcp.normalize(request.body)
      const signal = untilClosed(reply)
      const deadline = deadlineIn(config.timeouts.callMs - reply.elapsedTime)
      const tool = app.mcp.calledTool(message)
      request.rpc = { rpcMethod: loggable(message.method), ...(tool !== undefined && { tool: tool.definition.name }) }

      if (message.method === 'tools/call' && tool === undefined) request.rpc.outcome = 'bad_request'
      const needsGraph = tool !== undefined && tool.graphScopes.length > 0
      const { graph, credentialHash, accessToken } = needsGraph
        ? await graphFor(request, message, tool, signal, deadline)
        : notSignedIn
      const answer = await app.mcp.dispatch(request, message, { caller, graph, credentialHash, signal, deadline })
      if (answer.ageSeconds !== undefined) request.rpc.ageSeconds = answer.ageSeconds
      if (answer.failure !== undefined) heed(answer.failure, request, accessToken)
      reply.code(answer.status).header('cache-control', 'no-store')
      if (answer.contentType !== undefined) reply.header('content-type', answer.contentType)
      return reply.send(answer.body ?? undefined)
    },
  )

  const refuseMethod = async () => {
    throw new Failure('method_not_allowed')
  }
  // In onRequest already: a client that says Content-Type and sends no body is to hear of the method, not of JSON.
  const methods = app.supportedMethods.filter((method) => !['POST', 'OPTIONS', 'HEAD'].includes(method))
  app.route({ method: methods, url: '/mcp', onRequest: refuseMethod, handler: refuseMethod })

  /**
   * Graph as the caller, before anything is dispatched, so that Entra's refusals can still be HTTP answers; what the
   * agent can act on itself is left to the tool's result.
   */
  async function graphFor(
    request: FastifyRequest,
    message: McpMessage,
    tool: Tool,
    signal: AbortSignal,
    deadline: Deadline,
  ): Promise<GraphAccess> {
    try {
      const { accessToken, credentialHash } = await graphToken(request, message, signal, deadline)
      const { id, caller, rpc, trace } = request
      const graph = app.graph.as({
        accessToken,
        correlationId: id,
        deadline,
        // What is kept is read for whoever asks the same, and to the end.
        signal: app.mcp.isCached(tool) ? undefined : signal,
        user: caller?.userKey,
        tool: rpc?.tool,
        trace,
      })
      return { graph, credentialHash, accessToken }
    } catch (error) {
      const failure = toFailure(error)
      if (entryOf(failure.reason).kind === 'tool') return { graph: failure }
      throw failure
    }
  }

  /** A token given for a local run, else the caller's own assertion exchanged On-Behalf-Of; and a hash of either. */
  async function graphToken(
    request: FastifyRequest,
    message: McpMessage,
    signal: AbortSignal,
    deadline: Deadline,
  ): Promise<{ accessToken: string; credentialHash: string }> {
    const { caller, assertion, trace } = request
    const given = app.mcp.accessTokenOf(message) ?? request.graphBearerToken
    if (given !== undefined && given !== null) return givenToken(given)
    if (caller !== null && assertion !== null) {
      const call = { correlationId: request.id, signal, deadline, trace }
      const accessToken = await app.oboTokens.get({ caller, assertion, ...call })
      return { accessToken, credentialHash: caller.tokenHash }
    }
    if (config.callers.graphAccessToken !== undefined) return givenToken(config.callers.graphAccessToken)
    throw new Failure('sign_in_required')
  }

  /** What Graph no longer takes or allows is not used again; and what HTTP has to say is not said by a result. */
  function heed(failure: Failure, { caller, rpc }: FastifyRequest, accessToken?: string) {
    const { reason } = failure
    if (rpc !== null) rpc.outcome = reason
    if (caller !== null && (reason === 'graph_claims_required' || reason === 'graph_token_rejected')) {
      if (accessToken !== undefined) app.oboTokens.evict(caller, accessToken)
      app.mcp.invalidate(caller.tokenHash)
    }
    // A role that was taken away: of its messages nothing is shown from here on.
    if (caller !== null && reason === 'graph_forbidden') app.mcp.invalidate(caller.tokenHash)
    if (entryOf(reason).kind === 'http') throw failure
  }
}

function givenToken(accessToken: string) {
  return { accessToken, credentialHash: hash('sha256', accessToken, 'base64url') }
}

function loggable(method: string | undefined): string | undefined {
  return method === undefined || knownMethods.has(method) ? method : 'other'
}

/** Aborted when the client closes the connection before it has its answer. */
function untilClosed({ raw }: FastifyReply): AbortSignal {
  const abort = new AbortController()
  raw.once('close', () => {
    if (!raw.writableFinished) abort.abort()
  })
  return abort.signal
}

/** JSON and nothing else; batches, ambiguous and bottomless bodies end here. */
function parseStrictly(app: FastifyInstance) {
  const parse = app.getDefaultJsonParser('error', 'error')
  app.removeAllContentTypeParsers()
  app.addContentTypeParser<Buffer>('application/json', { parseAs: 'buffer' }, (request, bytes, done) => {
    const fault = jsonFault(bytes)
    if (fault !== undefined) return done(new Failure('invalid_json', { detail: `It has a fault: ${fault}.` }))
    return parse(request, bytes.toString(), (error, message) => {
      if (error) done(error)
      else if (Array.isArray(message)) done(new Failure('batch_not_supported'))
      else done(null, message)
    })
  })
}
