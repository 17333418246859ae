import { hash } from 'node:crypto'
import type { FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'
import type { Configured } from '../../config/index.ts'
import { entryOf, Failure, toFailure } from '../../errors/index.ts'
import type { Deadline } from '../../lib/deadline.ts'
import type { GraphSession } from '../graph-client/index.ts'
import type { McpMessage } from '../mcp/message.ts'
import type { Tool } from '../mcp/tool.ts'

/** Graph for one call of a tool. */
export interface GraphAccess {
  /** Graph as the caller; or why there is none, which a tool that needs it returns. */
  readonly graph: GraphSession | Failure
  /** What Graph is called with, where there is a token. */
  readonly accessToken?: string
  /** A hash of the credential that it comes from: the caller's own token, or the one that was given. */
  readonly credentialHash?: string
}

export interface AccessedCall {
  readonly message: McpMessage
  /** The tool that it calls. */
  readonly tool: Tool
  /** Aborted when the client goes away. */
  readonly signal: AbortSignal
  readonly deadline: Deadline
}

declare module 'fastify' {
  interface FastifyInstance {
    graphAccess: {
      /**
       * Graph as the caller of a request, before anything is dispatched, so that Entra's rejections can still be HTTP
       * responses; what the agent can act on itself is left to the tool's result.
       *
       * @throws {Failure} whose response is HTTP's
       */
      open(request: FastifyRequest, call: AccessedCall): Promise<GraphAccess>
      /** After a failure: neither the token that Graph no longer accepts nor what was read with it is used again. */
      invalidateOnFailure(failure: Failure, request: FastifyRequest, access: GraphAccess): void
    }
  }
}

/** Which token Graph is called with, and until when. */
export const graphAccess = fp<Configured>(
  async (app, { config: { callers } }) => {
    app.decorate('graphAccess', {
      async open(request, call) {
        try {
          const { accessToken, credentialHash } = await tokenOf(request, call)
          const { id, caller, trace } = request
          const graph = app.graph.as({
            accessToken,
            correlationId: id,
            deadline: call.deadline,
            // What is cached is read for whoever calls the same, and to the end.
            signal: app.mcp.isCached(call.tool) ? undefined : call.signal,
            user: caller?.userKey,
            tool: call.tool.definition.name,
            trace,
          })
          return { graph, accessToken, credentialHash }
        } catch (error) {
          const failure = toFailure(error)
          if (entryOf(failure.reason).kind === 'tool') return { graph: failure }
          throw failure
        }
      },
      invalidateOnFailure({ reason }, { caller }, { accessToken }) {
        if (caller === null) return
        const isTokenRefused = reason === 'graph_claims_required' || reason === 'graph_token_rejected'
        if (isTokenRefused && accessToken !== undefined) app.oboTokens.evict(caller, accessToken)
        // Or a role was taken away: of its messages nothing is shown from here on.
        if (isTokenRefused || reason === 'graph_forbidden') app.mcp.invalidate(caller.tokenHash)
      },
    })

    /** A token given for a local run, else the caller's own assertion exchanged On-Behalf-Of. */
    async function tokenOf(request: FastifyRequest, { message, signal, deadline }: AccessedCall) {
      const { caller, assertion, trace } = request
      const given = app.mcp.accessTokenOf(message) ?? request.graphBearerToken
      if (given !== undefined && given !== null) return givenToken(given)
      if (caller !== null && assertion !== null) {
        const call = { correlationId: request.id, signal, deadline, trace }
        return {
          accessToken: await app.oboTokens.get({ caller, assertion, ...call }),
          credentialHash: caller.tokenHash,
        }
      }
      if (callers.graphAccessToken !== undefined) return givenToken(callers.graphAccessToken)
      throw new Failure('sign_in_required')
    }
  },
  { name: 'graph-access', dependencies: ['auth', 'obo-token-cache', 'graph-client', 'mcp'] },
)

function givenToken(accessToken: string) {
  return { accessToken, credentialHash: hash('sha256', accessToken, 'base64url') }
}
