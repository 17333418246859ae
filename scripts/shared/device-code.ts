import * as oauth from 'oauth4webapi'
import { entraRefusal } from './entra-refusal.ts'
import type { Io } from './io.ts'
import { OperatorError } from './operator-error.ts'
import { unreachable } from './unreachable.ts'

/** For one request; the wait for the user is as long as Entra says. */
const requestDeadlineMs = 15_000
/** RFC 8628 section 3.5: what "slow_down" adds to the interval, and the interval where none is given. */
const slowDownSeconds = 5

export interface DeviceSignIn {
  readonly authorityHost: string
  readonly tenantId: string
  /** A public client of the tenant. */
  readonly clientId: string
  /** One resource's. */
  readonly scope: string
}

/**
 * Signs a person in by a code that they enter in a browser, on whatever device (RFC 8628), and gives an access token.
 * https://learn.microsoft.com/entra/identity-platform/v2-oauth2-device-code
 *
 * @throws {OperatorError} where Entra refuses, the person does, or nobody enters the code in time
 */
export async function deviceCodeToken(
  io: Pick<Io, 'progress' | 'signal' | 'wait'>,
  asked: DeviceSignIn,
): Promise<string> {
  const base = `${asked.authorityHost}/${asked.tenantId}`
  const entra: oauth.AuthorizationServer = {
    issuer: `${base}/v2.0`,
    device_authorization_endpoint: `${base}/oauth2/v2.0/devicecode`,
    token_endpoint: `${base}/oauth2/v2.0/token`,
  }
  const client: oauth.Client = { client_id: asked.clientId }
  const options = () => ({
    signal: AbortSignal.any([io.signal, AbortSignal.timeout(requestDeadlineMs)]),
    // Where the command line allowed http, which is on loopback.
    [oauth.allowInsecureRequests]: asked.authorityHost.startsWith('http:'),
  })

  const begun = await attempt(async () => {
    const parameters = { scope: asked.scope }
    const answer = await oauth.deviceAuthorizationRequest(entra, client, oauth.None(), parameters, options())
    return oauth.processDeviceAuthorizationResponse(entra, client, answer)
  })
  if (begun instanceof Error) throw signInFailure(begun, asked.authorityHost)

  const { device_code, user_code, verification_uri, expires_in, interval } = begun
  io.progress(`To sign in, open ${verification_uri} and enter the code ${user_code}`, 'yellow')
  const end = Date.now() + expires_in * 1000
  let seconds = interval ?? slowDownSeconds
  while (Date.now() < end) {
    await io.wait(seconds * 1000)
    const tokens = await attempt(async () => {
      const answer = await oauth.deviceCodeGrantRequest(entra, client, oauth.None(), device_code, options())
      return oauth.processDeviceCodeResponse(entra, client, answer)
    })
    if (!(tokens instanceof Error)) return tokens.access_token
    if (isErrorCode(tokens, 'slow_down')) seconds += slowDownSeconds
    else if (!isErrorCode(tokens, 'authorization_pending')) throw signInFailure(tokens, asked.authorityHost)
  }
  throw entraRefusal('Sign-in failed', 'AADSTS70020: nobody entered the code in time.')
}

async function attempt<T>(work: () => Promise<T>): Promise<T | Error> {
  return work().catch((error: unknown) => (error instanceof Error ? error : new Error(String(error))))
}

function isErrorCode(error: Error, code: string): boolean {
  return error instanceof oauth.ResponseBodyError && error.error === code
}

function signInFailure(error: Error, authorityHost: string): OperatorError {
  if (error instanceof oauth.ResponseBodyError) {
    return entraRefusal('Sign-in failed', error.error_description ?? error.error)
  }
  // What fetch throws; its own message says no more than that it failed.
  const isNetwork = error.name === 'TimeoutError' || (error instanceof TypeError && error.cause !== undefined)
  const what = isNetwork
    ? `Entra cannot be reached: ${unreachable(new URL(authorityHost).host, error).message}`
    : `Entra did not answer as Entra does. ${error.message}`
  return new OperatorError(
    what,
    'Check --authority-host and the way there (proxy, firewall), then run the command again.',
    { cause: error },
  )
}
