import type { FastifyPluginAsync, FastifyRequest } from 'fastify'
import type { GrantName } from '../stats.ts'
import { AadstsError } from './aadsts.ts'
import { type Authority, requireTenant } from './authority.ts'
import { authenticateClient } from './client-authentication.ts'
import { authorizationCode } from './grants/authorization-code.ts'
import { clientCredentials } from './grants/client-credentials.ts'
import { deviceCode } from './grants/device-code.ts'
import type { Grant } from './grants/grant.ts'
import { onBehalfOf } from './grants/on-behalf-of.ts'
import { refreshToken } from './grants/refresh-token.ts'
import { type Parameters, required, singleValued } from './parameters.ts'
import { tokenResponse } from './token-response.ts'

const GRANTS: ReadonlyMap<string, { name: GrantName; redeem: Grant }> = new Map([
  ['authorization_code', { name: 'authorization_code', redeem: authorizationCode }],
  ['refresh_token', { name: 'refresh_token', redeem: refreshToken }],
  ['urn:ietf:params:oauth:grant-type:jwt-bearer', { name: 'on_behalf_of', redeem: onBehalfOf }],
  ['urn:ietf:params:oauth:grant-type:device_code', { name: 'device_code', redeem: deviceCode }],
  ['client_credentials', { name: 'client_credentials', redeem: clientCredentials }],
])

/** `POST /{tenant}/oauth2/v2.0/token`. */
export const tokenRoute: FastifyPluginAsync<{ authority: Authority }> = async (app, { authority }) => {
  // RFC 6749 §5.1; the CORS header lets a single-page app read the response.
  app.addHook('onRequest', async (_request, reply) => {
    reply.headers({ 'cache-control': 'no-store, no-cache', pragma: 'no-cache', 'access-control-allow-origin': '*' })
  })

  app.post<{ Params: { tenant: string } }>('/:tenant/oauth2/v2.0/token', async (request, reply) => {
    requireTenant(authority, request.params.tenant)
    const form = readForm(request)
    const grantType = required(form, 'grant_type')
    const grant = GRANTS.get(grantType)
    if (grant === undefined) throw new AadstsError(70003, { grant: grantType })
    authority.stats.countGrant(grant.name)
    if (await authority.faults.apply(request, reply, { target: 'token', grant: grant.name })) return reply

    const { authorization, origin } = request.headers
    const client = authenticateClient(form, authorization, authority)
    const entitlement = grant.redeem({ authority, client, form, origin })
    const { user } = entitlement
    if (user && (await authority.faults.apply(request, reply, { target: 'token', grant: grant.name, user })))
      return reply
    return tokenResponse(authority, client, entitlement, form['client_info'] === '1')
  })
}

function readForm({ body }: FastifyRequest): Parameters {
  return singleValued(body instanceof URLSearchParams ? body : new URLSearchParams())
}
