import * as oauth from 'oauth4webapi'
import { entraError } from './entra-error.ts'
import type { Io } from './io.ts'
import { OperatorError } from './operator-error.ts'
import { unreachable } from './unreachable.ts'

/** Of one request; Entra sets how long to wait for the user. */
const requestDeadlineMs = 15_000
/** RFC 8628 section 3.5: added to the interval on "slow_down"; also the default interval (section 3.2). */
const slowDownSeconds = 5

export interface DeviceSignIn {
  readonly authorityHost: string
  readonly tenantId: string
  /** A public client of the tenant. */
  readonly clientId: string
  /** Of one resource. */
  readonly scope: string
}

/**
 * Signs a user in with a code that they enter in a browser on any device (RFC 8628).
 * https://learn.microsoft.com/entra/identity-platform/v2-oauth2-device-code
 *
 * @returns an access token
 * @throws {OperatorError} where Entra or the user denies it, or the code expires
 */
export async function deviceCodeToken(
  io: Pick<Io, 'progress' | 'signal' | 'wait'>,
  request: DeviceSignIn,
): Promise<string> {
  const base = `${request.authorityHost}/${request.tenantId}`
  const entra: oauth.AuthorizationServer = {
    issuer: `${base}/v2.0`,
    device_authorization_endpoint: `${base}/oauth2/v2.0/devicecode`,
    token_endpoint: `${base}/oauth2/v2.0/token`,
  }
  const client: oauth.Client = { client_id: request.clientId }
  const options = () => ({
    signal: AbortSignal.any([io.signal, AbortSignal.timeout(requestDeadlineMs)]),
    // http was accepted by the command line only for loopback.
    [oauth.allowInsecureRequests]: request.authorityHost.startsWith('http:'),
  })

  const authorization = await attempt(async () => {
    const parameters = { scope: request.scope }
    const response = await oauth.deviceAuthorizationRequest(entra, client, oauth.None(), parameters, options())
    return oauth.processDeviceAuthorizationResponse(entra, client, response)
  })
  if (authorization instanceof Error) throw signInError(authorization, request.authorityHost)

  const { device_code, user_code, verification_uri, expires_in, interval } = authorization
  io.progress(`To sign in, open ${verification_uri} and enter the code ${user_code}`, 'yellow')
  const end = Date.now() + expires_in * 1000
  let seconds = interval ?? slowDownSeconds
  while (Date.now() < end) {
    await io.wait(seconds * 1000)
    const tokens = await attempt(async () => {
      const response = await oauth.deviceCodeGrantRequest(entra, client, oauth.None(), device_code, options())
      return oauth.processDeviceCodeResponse(entra, client, response)
    })
    if (!(tokens instanceof Error)) return tokens.access_token
    if (isErrorCode(tokens, 'slow_down')) seconds += slowDownSeconds
    else if (!isErrorCode(tokens, 'authorization_pending')) throw signInError(tokens, request.authorityHost)
  }
  throw new OperatorError('Sign-in failed. The code expired before anybody entered it.', 'Run the command again.')
}

async function attempt<T>(work: () => Promise<T>): Promise<T | Error> {
  return work().catch((error: unknown) => (error instanceof Error ? error : new Error(String(error))))
}

function isErrorCode(error: Error, code: string): boolean {
  return error instanceof oauth.ResponseBodyError && error.error === code
}

function signInError(error: Error, authorityHost: string): OperatorError {
  if (error instanceof oauth.ResponseBodyError) {
    return entraError('Sign-in failed', error.error_description ?? error.error)
  }
  // fetch throws a TypeError whose message has no detail; its cause does.
  const isNetwork = error.name === 'TimeoutError' || (error instanceof TypeError && error.cause !== undefined)
  const network = isNetwork ? unreachable(new URL(authorityHost).host, error) : undefined
  const message =
    network === undefined
      ? `Invalid response from Entra. ${error.message}`
      : `Entra cannot be reached: ${network.message}`
  return new OperatorError(
    message,
    'Check --authority-host and the network (proxy, firewall), then run the command again.',
    { cause: error, ...(network !== undefined && { code: network.code }) },
  )
}
