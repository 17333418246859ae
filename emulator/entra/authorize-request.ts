import type { AppRegistration, Platform, Tenant } from '../tenant.ts'
import { AadstsError } from './aadsts.ts'
import { readClaimsRequest, type SatisfiedClaims } from './claims-request.ts'
import { type Parameters, required } from './parameters.ts'
import { platformOf } from './redirects.ts'
import { checkResourceParameter, parseScopes, type ScopeRequest } from './scopes.ts'

export type ResponseMode = 'query' | 'fragment' | 'form_post'
export type Prompt = 'none' | 'login' | 'consent' | 'select_account'

/** Where the response may be sent: a registered redirect URI of the client. */
export interface RedirectTarget {
  app: AppRegistration
  redirectUri: string
  platform: Platform
  responseMode: ResponseMode
  state: string | undefined
}

/** A valid authorize request (RFC 6749 §4.1.1), before the user is known. */
export interface AuthorizeRequest extends RedirectTarget {
  scope: string
  scopes: ScopeRequest
  prompt: Prompt | undefined
  loginHint: string | undefined
  nonce: string | undefined
  challenge: { value: string; method: 'S256' | 'plain' } | undefined
  claims: SatisfiedClaims
}

/**
 * Reads client and redirect URI; these errors must not be sent to a redirect URI (RFC 6749 §4.1.2.1).
 * @throws {AadstsError} 900144, 700016, 900971 or 50011
 */
export function readRedirectTarget(parameters: Parameters, tenant: Tenant): RedirectTarget {
  const clientId = required(parameters, 'client_id')
  const app = tenant.findApp(clientId)
  if (app === undefined) throw new AadstsError(700016, { app: clientId, tenant: tenant.displayName })
  const redirectUri = parameters['redirect_uri']
  if (redirectUri === undefined) throw new AadstsError(900971)
  const platform = platformOf(app, redirectUri)
  if (platform === undefined) throw new AadstsError(50011, { redirect: redirectUri, app: app.clientId })
  const { response_mode: mode, state } = parameters
  return { app, redirectUri, platform, state, responseMode: isResponseMode(mode) ? mode : 'query' }
}

/**
 * Reads the other parameters; these errors are sent to the client.
 * @throws {AadstsError}
 */
export function readAuthorizeRequest(
  parameters: Parameters,
  address: RedirectTarget,
  tenant: Tenant,
): AuthorizeRequest {
  const responseType = required(parameters, 'response_type')
  if (responseType !== 'code') throw new AadstsError(700054, { type: responseType })
  const mode = parameters['response_mode']
  if (mode !== undefined && !isResponseMode(mode)) throw new AadstsError(70007, { mode })
  const scope = required(parameters, 'scope')
  const scopes = parseScopes(scope, address.app, tenant)
  checkResourceParameter(parameters['resource'], scopes, tenant)
  return {
    ...address,
    scope,
    scopes,
    prompt: readPrompt(parameters['prompt']),
    loginHint: parameters['login_hint'],
    nonce: parameters['nonce'],
    challenge: readChallenge(parameters),
    claims: readClaimsRequest(parameters['claims']),
  }
}

/** PKCE (RFC 7636 §4.3). Entra accepts `plain` too, and requires a challenge only from single-page apps. */
function readChallenge(parameters: Parameters): AuthorizeRequest['challenge'] {
  const { code_challenge: value, code_challenge_method: method = 'plain' } = parameters
  if (value === undefined) {
    if (parameters['code_challenge_method'] !== undefined) throw new AadstsError(50147)
    return undefined
  }
  if (!/^[\w.~-]{43,128}$/.test(value)) throw new AadstsError(501491)
  if (method !== 'S256' && method !== 'plain') throw new AadstsError(9002313)
  return { value, method }
}

function readPrompt(prompt: string | undefined): Prompt | undefined {
  switch (prompt) {
    case undefined:
    case 'none':
    case 'login':
    case 'consent':
    case 'select_account':
      return prompt
    default:
      throw new AadstsError(90023)
  }
}

function isResponseMode(mode: string | undefined): mode is ResponseMode {
  return mode === 'query' || mode === 'fragment' || mode === 'form_post'
}
