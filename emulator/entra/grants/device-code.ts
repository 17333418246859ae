import { AadstsError } from '../aadsts.ts'
import { requireProof } from '../client-authentication.ts'
import type { DeviceAuthorization } from '../device-codes.ts'
import { required } from '../parameters.ts'
import { parseScopes } from '../scopes.ts'
import { type Grant, requireConsent, requireUsableAccount, type TokenRequest } from './grant.ts'

/** Redeems a device code (RFC 8628 §3.4), once somebody has entered the code that goes with it. Public clients only. */
export const deviceCode: Grant = (request) => {
  const { authority, client } = request
  const { answer, ...authorization } = findAuthorization(request)
  if (!client.app.isPublicClient) throw new AadstsError(7000218)
  requireProof(client, 'publicClient')
  if (answer === undefined) throw new AadstsError(70016)
  if (answer === 'declined') throw new AadstsError(65004, {}, { error: 'authorization_declined' })
  const { scope } = authorization
  const scopes = parseScopes(scope, client.app, authority.tenant)
  const user = requireUsableAccount(authority, answer.userId, Number.POSITIVE_INFINITY, client)
  const { asked, granted } = requireConsent(request, scopes, scope, user)
  const { openid } = scopes
  const { sessionId } = answer
  return { user, asked, granted, openid, acrs: [], clientCapabilities: [], sessionId, platform: 'publicClient', scope }
}

/** Used up as soon as somebody has answered, whatever the answer was. */
function findAuthorization({ authority, client, form }: TokenRequest): DeviceAuthorization {
  const found = authority.deviceCodes.find(required(form, 'device_code'))
  if (found === undefined || found.clientId !== client.app.clientId || found.redeemed) throw new AadstsError(70018)
  if (found.expiresAt <= authority.now()) throw new AadstsError(70020)
  if (found.answer !== undefined) found.redeemed = true
  return found
}
