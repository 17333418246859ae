import { createHash, randomBytes } from 'node:crypto'
import { extractWWWAuthenticateParams } from '@modelcontextprotocol/client'
import { signIn as useBrowser } from '../emulator/sign-in.ts'
import type { Step } from './steps.ts'

/** What a client learns by asking, before anybody has signed in. */
export interface SignInPlace {
  readonly authorizeUrl: string
  readonly tokenUrl: string
  readonly scope: string
}

export interface SignedIn {
  readonly accessToken: string
  readonly expiresAtMs: number
}

/**
 * Finds where to sign in, knowing nothing but the MCP endpoint: its 401 names the protected-resource metadata
 * (RFC 9728), that names the tenant, and the tenant publishes its endpoints (OpenID Connect Discovery).
 */
export async function discover(mcpUrl: string, step: Step): Promise<SignInPlace> {
  const metadataUrl = await step(async () => {
    const response = await fetch(mcpUrl, {
      method: 'POST',
      headers: { 'content-type': 'application/json', accept: 'application/json, text/event-stream' },
      body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/list' }),
    })
    await response.arrayBuffer()
    const { resourceMetadataUrl } = extractWWWAuthenticateParams(response)
    if (response.status !== 401 || resourceMetadataUrl === undefined) {
      throw new Error(`The server answered ${response.status} without saying how to sign in.`)
    }
    return { value: resourceMetadataUrl, says: 'POST /mcp without a token: 401, and where to read how to sign in' }
  })

  const { issuer, scope } = await step(async () => {
    const metadata = await getJson(metadataUrl)
    const issuer = String([metadata['authorization_servers']].flat()[0])
    const scope = [metadata['scopes_supported']].flat().join(' ')
    return { value: { issuer, scope }, says: `metadata: sign in for ${scope}` }
  })

  return step(async () => {
    const { authorization_endpoint, token_endpoint } = await getJson(`${issuer}/.well-known/openid-configuration`)
    return {
      value: { authorizeUrl: String(authorization_endpoint), tokenUrl: String(token_endpoint), scope },
      says: 'openid-configuration of Entra: where to authorize, where to redeem',
    }
  })
}

/**
 * Signs a user in with the authorization code flow and PKCE (RFC 7636), as a public client without a secret does.
 * The browser is a script, and the redirect ends in it; everything else is what goes over the wire in earnest.
 *
 * @param claims the claims request of a challenge, as JSON text, that this sign-in has to meet
 */
export async function signIn(
  place: SignInPlace,
  { clientId, user, claims }: { clientId: string; user: string; claims?: string },
  step: Step,
): Promise<SignedIn> {
  const redirectUri = 'http://localhost'
  const verifier = randomBytes(32).toString('base64url')
  const state = randomBytes(16).toString('base64url')

  const code = await step(async () => {
    const url = new URL(place.authorizeUrl)
    url.search = new URLSearchParams({
      client_id: clientId,
      response_type: 'code',
      redirect_uri: redirectUri,
      scope: place.scope,
      state,
      code_challenge: createHash('sha256').update(verifier).digest('base64url'),
      code_challenge_method: 'S256',
      ...(claims !== undefined && { claims }),
    }).toString()
    const { parameters } = await useBrowser(url, { user })
    const given = parameters.get('code')
    if (given === null) {
      throw new Error(`Entra does not sign ${user} in: ${firstLine(parameters.get('error_description'))}`)
    }
    if (parameters.get('state') !== state) throw new Error('The redirect carries a state that is not ours.')
    const proof = claims === undefined ? '' : ' with the claims of the challenge (MFA)'
    return { value: given, says: `authorize: ${user} signs in${proof}; PKCE S256, state checked, a code comes back` }
  })

  return step(async () => {
    const response = await fetch(place.tokenUrl, {
      method: 'POST',
      body: new URLSearchParams({
        client_id: clientId,
        grant_type: 'authorization_code',
        code,
        redirect_uri: redirectUri,
        code_verifier: verifier,
        scope: place.scope,
      }),
    })
    const answer = (await response.json()) as Record<string, unknown>
    if (typeof answer['access_token'] !== 'string') {
      throw new Error(`Entra does not sign ${user} in: ${firstLine(answer['error_description'])}`)
    }
    const seconds = Number(answer['expires_in'])
    return {
      value: { accessToken: answer['access_token'], expiresAtMs: Date.now() + seconds * 1000 },
      says: `token: the code and the verifier for an access token, good for ${Math.round(seconds / 60)} minutes`,
    }
  })
}

async function getJson(url: string | URL): Promise<Record<string, unknown>> {
  const response = await fetch(url)
  if (!response.ok) throw new Error(`${url} answered ${response.status}.`)
  return (await response.json()) as Record<string, unknown>
}

/** Entra's descriptions go on with trace ids and times. */
function firstLine(description: unknown): string {
  return String(description ?? 'no reason given').split(/\s*(?:\r?\n|Trace ID:)/, 1)[0] ?? ''
}
