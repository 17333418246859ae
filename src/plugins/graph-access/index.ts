import { hash } from 'node:crypto'
import type { FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'
import type { Configured } from '../../config/index.ts'
import { entryOf, Failure, toFailure } from '../../errors/index.ts'
import { exchangeScopes, graphResource } from '../../lib/graph-permissions.ts'
import type { McpCall } from '../mcp/call.ts'
import type { McpMessage } from '../mcp/message.ts'
import type { GraphUse } from '../mcp/tool.ts'

/** Graph for one call of a tool. */
export interface GraphAccess extends Pick<McpCall, 'access'> {
  /** What Graph is called with, where there is a token. */
  readonly accessToken?: string
  /** What the token was exchanged for, where it was. */
  readonly scopes?: readonly string[]
  /** A hash of the credential that it comes from: the caller's own token, or the one that was given. */
  readonly credentialHash?: string
}

export interface AccessedCall extends Pick<McpCall, 'signal' | 'deadline'> {
  readonly message: McpMessage
  /** What it needs Graph for. */
  readonly use: GraphUse
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
  async (app, { config: { callers, entra, graph } }) => {
    const resource = graphResource(graph.baseUrl)
    app.decorate('graphAccess', {
      async open(request, call) {
        try {
          const { accessToken, scopes, credentialHash } = await tokenOf(request, call)
          const { id, caller, trace } = request
          const user = {
            accessToken,
            correlationId: id,
            deadline: call.deadline,
            user: caller?.userKey,
            tool: call.use.name,
            trace,
          }
          // What is cached is read for all who ask meanwhile, and to the end.
          const reader = { credentialHash, graph: app.graph.as(user) }
          const access = {
            graph: app.graph.as({ ...user, signal: call.signal }),
            messageCenter: app.messageCenter.of(reader),
            serviceHealth: app.serviceHealth.of(reader),
            roadmap: app.roadmap,
          }
          return { access, accessToken, credentialHash, ...(scopes && { scopes }) }
        } catch (error) {
          const failure = toFailure(error)
          if (entryOf(failure.reason).kind === 'tool') return { access: failure }
          throw failure
        }
      },
      invalidateOnFailure({ reason }, { caller }, { accessToken, scopes, credentialHash }) {
        if (reason !== 'graph_claims_required' && reason !== 'graph_token_rejected') return
        if (credentialHash !== undefined) {
          app.messageCenter.drop(credentialHash)
          app.serviceHealth.drop(credentialHash)
        }
        if (caller !== null && accessToken !== undefined && scopes !== undefined)
          app.oboTokens.evict({ caller, scopes }, accessToken)
      },
    })

    /** A token given for a local run, else the caller's own assertion exchanged On-Behalf-Of. */
    async function tokenOf(
      request: FastifyRequest,
      { message, use, signal, deadline }: AccessedCall,
    ): Promise<{ accessToken: string; credentialHash: string; scopes?: readonly string[] }> {
      const { caller, assertion, trace } = request
      const given = app.mcp.accessTokenOf(message) ?? request.graphBearerToken
      if (given !== undefined && given !== null) return givenToken(given)
      if (caller !== null && assertion !== null) {
        const scopes = entra.oboScopes ?? exchangeScopes(use, resource)
        const call = { correlationId: request.id, signal, deadline, trace }
        const accessToken = await app.oboTokens.get({ caller, assertion, scopes, ...call })
        return { accessToken, scopes, credentialHash: caller.tokenHash }
      }
      if (callers.graphAccessToken !== undefined) return givenToken(callers.graphAccessToken)
      throw new Failure('sign_in_required')
    }
  },
  {
    name: 'graph-access',
    dependencies: ['auth', 'obo-token-cache', 'graph-client', 'message-center', 'service-health', 'roadmap', 'mcp'],
  },
)

function givenToken(accessToken: string) {
  return { accessToken, credentialHash: hash('sha256', accessToken, 'base64url') }
}
