import { AadstsError } from '../aadsts.ts'
import { requireClientAuthentication } from '../client-authentication.ts'
import type { DeviceAuthorization } from '../device-codes.ts'
import { required } from '../parameters.ts'
import { parseScopes } from '../scopes.ts'
import { type Grant, requireConsent, requireUsableAccount, type TokenRequest } from './grant.ts'

/** Redeems a device code (RFC 8628 §3.4), once the user has entered the user code. Public clients only. */
export const deviceCode: Grant = (request) => {
  const { authority, client } = request
  const { decision, ...authorization } = findAuthorization(request)
  if (!client.app.isPublicClient) throw new AadstsError(7000218)
  requireClientAuthentication(client, 'publicClient')
  if (decision === undefined) throw new AadstsError(70016)
  if (decision === 'declined') throw new AadstsError(65004, {}, { error: 'authorization_declined' })
  const { scope } = authorization
  const scopes = parseScopes(scope, client.app, authority.tenant)
  const user = requireUsableAccount(authority, decision.userId, Number.POSITIVE_INFINITY, client)
  const { requested, granted } = requireConsent(request, scopes, scope, user)
  const { openid } = scopes
  const { sessionId } = decision
  return {
    user,
    requested,
    granted,
    openid,
    acrs: [],
    clientCapabilities: [],
    sessionId,
    platform: 'publicClient',
    scope,
  }
}

/** Used up once the user has decided, either way. */
function findAuthorization({ authority, client, form }: TokenRequest): DeviceAuthorization {
  const found = authority.deviceCodes.find(required(form, 'device_code'))
  if (found === undefined || found.clientId !== client.app.clientId || found.redeemed) throw new AadstsError(70018)
  if (found.expiresAt <= authority.now()) throw new AadstsError(70020)
  if (found.decision !== undefined) found.redeemed = true
  return found
}
