import { createHash, randomBytes } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import type { TestContext } from 'node:test'
import { connect } from 'node:tls'
import { generate } from 'selfsigned'
import { request } from 'undici'
import { browse } from '../demo/browser.ts'
import type { Network } from '../src/lib/public-client.ts'

/** Redirect URI of most tests: allowed by default; nothing listens there. */
export const redirectUri = 'http://127.0.0.1:33418/callback'

/** A verifier and its S256 challenge. */
export function pkcePair() {
  const verifier = randomBytes(32).toString('base64url')
  return { verifier, challenge: createHash('sha256').update(verifier).digest('base64url') }
}

/** A valid authorization URL; an override of undefined omits a parameter. */
export function authorizationUrl(
  origin: string,
  clientId: string,
  overrides: Readonly<Record<string, string | undefined>> = {},
): URL {
  const url = new URL('/authorize', origin)
  const parameters = {
    client_id: clientId,
    redirect_uri: redirectUri,
    response_type: 'code',
    state: 'a state',
    scope: 'access_as_user',
    code_challenge: pkcePair().challenge,
    code_challenge_method: 'S256',
    resource: `${origin}/mcp`,
    ...overrides,
  }
  for (const [name, value] of Object.entries(parameters)) if (value !== undefined) url.searchParams.set(name, value)
  return url
}

export interface JsonResponse {
  readonly status: number
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly body: Readonly<Record<string, unknown>>
}

/** Registers a client (RFC 7591). */
export function register(origin: string, metadata: Readonly<Record<string, unknown>> = {}): Promise<JsonResponse> {
  return postJson(`${origin}/register`, { client_name: 'A test', redirect_uris: [redirectUri], ...metadata })
}

export async function postJson(url: string, value: unknown): Promise<JsonResponse> {
  const headers = { 'content-type': 'application/json' }
  const response = await request(url, { method: 'POST', headers, body: JSON.stringify(value) })
  return {
    status: response.statusCode,
    headers: response.headers,
    body: (await response.body.json()) as JsonResponse['body'],
  }
}

/** Posts a form, as clients do at the token endpoint; undefined members are omitted. */
export async function postForm(
  url: string,
  form: Readonly<Record<string, string | undefined>>,
  headers: Readonly<Record<string, string>> = {},
): Promise<JsonResponse> {
  const given = Object.entries(form).filter((entry): entry is [string, string] => entry[1] !== undefined)
  const response = await request(url, {
    method: 'POST',
    headers: { 'content-type': 'application/x-www-form-urlencoded', ...headers },
    body: new URLSearchParams(given).toString(),
  })
  return {
    status: response.statusCode,
    headers: response.headers,
    body: (await response.body.json()) as JsonResponse['body'],
  }
}

/** A code from a sign-in, and its client's data. */
export interface FreshCode {
  readonly code: string
  readonly verifier: string
  readonly clientId: string
}

/** Signs a user in with a new browser. @returns the code */
export async function freshCode(
  origin: string,
  clientId: string,
  { user = 'rowan', ...overrides }: Readonly<Record<string, string | undefined>> = {},
): Promise<FreshCode> {
  const { verifier, challenge } = pkcePair()
  const { url } = await browse(authorizationUrl(origin, clientId, { code_challenge: challenge, ...overrides }), {
    user,
  })
  const code = url.searchParams.get('code')
  if (code === null) throw new Error(`No code in the response: ${url.searchParams.get('error_description')}`)
  return { code, verifier, clientId }
}

/** Redeems a code as its client would; overrides simulate attackers or other clients. */
export function redeem(
  origin: string,
  { code, verifier, clientId }: FreshCode,
  overrides: Readonly<Record<string, string | undefined>> = {},
): Promise<JsonResponse> {
  return postForm(`${origin}/token`, {
    grant_type: 'authorization_code',
    code,
    code_verifier: verifier,
    client_id: clientId,
    redirect_uri: redirectUri,
    ...overrides,
  })
}

/** An https server for the name `client.example`, and a network that resolves to it. */
export interface ClientHost {
  readonly origin: string
  readonly requests: IncomingMessage[]
  readonly network: Network
  /** The addresses that the name resolves to: public by default; connections always go to the server. */
  addresses: readonly string[]
  /** Dialled addresses and server names. */
  readonly dialled: { readonly address: string; readonly servername: string }[]
}

/** Starts a host for client metadata documents; only its network trusts its certificate. */
export async function startClientHost(
  t: TestContext,
  handle: (request: IncomingMessage, response: ServerResponse) => void,
): Promise<ClientHost> {
  const { private: key, cert } = await generate([{ name: 'commonName', value: 'client.example' }], {
    keySize: 2048,
    extensions: [{ name: 'subjectAltName', altNames: [{ type: 2, value: 'client.example' }] }],
  })
  const requests: IncomingMessage[] = []
  const server = createServer({ key, cert }, (incoming, outgoing) => {
    requests.push(incoming)
    handle(incoming, outgoing)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.after(() => {
    server.closeAllConnections()
    server.close()
  })
  const { port } = server.address() as AddressInfo
  const host: ClientHost = {
    origin: 'https://client.example',
    requests,
    addresses: ['20.20.20.20'],
    dialled: [],
    network: {
      resolve: async () => host.addresses,
      dial: ({ address, servername }) => {
        host.dialled.push({ address, servername })
        return connect({ host: '127.0.0.1', port, servername, ca: cert })
      },
    },
  }
  return host
}

/** Serves a client metadata document for the requested URL, with overrides. */
export function serveDocument(
  document: Readonly<Record<string, unknown>> = {},
  headers: Readonly<Record<string, string>> = {},
) {
  return ({ url }: IncomingMessage, response: ServerResponse) => {
    response.writeHead(200, { 'content-type': 'application/json', ...headers })
    response.end(
      JSON.stringify({
        client_id: `https://client.example${url}`,
        client_name: 'Documented',
        redirect_uris: [redirectUri],
        token_endpoint_auth_method: 'none',
        ...document,
      }),
    )
  }
}
