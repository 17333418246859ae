import { createHash, randomBytes } from 'node:crypto'
import { decodeJwt } from 'jose'
import { request } from 'undici'
import { signIn as signInAtEmulator } from '../../emulator/sign-in.ts'
import type { Outcome } from '../http-client.ts'
import { noFailures } from '../rules.ts'
import { defineScenario } from '../scenario.ts'

/** Where to sign in, and as which client. */
interface Party {
  readonly endpoints: string
  readonly redirect_uri: string
  readonly client: Readonly<Record<string, string>>
}

/** What the OAuth proxy adds to a sign-in: code and refresh token through it, and of Entra alone. */
export const signIn = defineScenario({
  name: 'sign-in',
  description: 'closed model: whole sign-ins, with one refresh each, through the OAuth proxy and at Entra alone',
  needs: 'processes',
  defaults: { connections: 8, seconds: 4, rounds: 5 },
  async run(harness, { connections, seconds, rounds }) {
    const server = await harness.server()
    const { env } = await harness.serverOptions()
    const { GRAPH_CLIENT_ID: client_id = '', GRAPH_CLIENT_SECRET: client_secret = '' } = env
    const proxy: Party = {
      endpoints: new URL(server.url).origin,
      redirect_uri: 'http://127.0.0.1:33418/callback',
      client: { client_id, scope: 'access_as_user', resource: server.url },
    }
    const entra: Party = {
      endpoints: `${env['ENTRA_AUTHORITY_HOST']}/${env['GRAPH_TENANT_ID']}/oauth2/v2.0`,
      redirect_uri: 'http://127.0.0.1/oauth/callback',
      client: { client_id, client_secret, scope: `${client_id}/access_as_user openid profile offline_access` },
    }
    const load = { connections, seconds }
    const measurements = await harness.compare(
      [
        { ...load, name: 'through the proxy', target: server, next: () => () => signInAt(proxy, true) },
        { ...load, name: 'Entra alone', target: { url: entra.endpoints }, next: () => () => signInAt(entra, false) },
      ],
      rounds,
    )
    const [through, alone] = measurements.map(({ latencyMs }) => latencyMs.p50)
    const added = { name: 'that the proxy adds to a sign-in, p50', value: (through ?? 0) - (alone ?? 0), unit: 'ms' }
    return { measurements, figures: [added], rules: [noFailures(...measurements)] }
  },
})

let signIns = 0

/** Signs the next user in as a browser and its client do: authorize, sign-in page, code, refresh token. */
async function signInAt({ endpoints, redirect_uri, client }: Party, isProxy: boolean): Promise<Outcome> {
  const user = `load-${String(signIns++ % 10_000).padStart(5, '0')}`
  const verifier = randomBytes(32).toString('base64url')
  const code_challenge = createHash('sha256').update(verifier).digest('base64url')
  const { client_secret: _, ...named } = { client_secret: '', ...client }
  const pkce = { code_challenge, code_challenge_method: 'S256', state: 'a state of usual length 0123456789' }
  const query = new URLSearchParams({ ...named, ...pkce, redirect_uri, response_type: 'code' })
  let cookie = ''
  async function follow(url: string): Promise<string> {
    const { headers, body } = await request(url, { headers: { cookie } })
    await body.dump()
    cookie = String(headers['set-cookie'] ?? '').split(';')[0] ?? ''
    return String(headers['location'])
  }
  async function postToken(grant: Record<string, string>) {
    const body = new URLSearchParams({ ...client, ...grant }).toString()
    const headers = { 'content-type': 'application/x-www-form-urlencoded' }
    const response = await request(`${endpoints}/token`, { method: 'POST', headers, body })
    return (await response.body.json()) as { access_token?: string; refresh_token?: string; error?: string }
  }

  const authorize = `${endpoints}/authorize?${query}`
  const { url } = await signInAtEmulator(isProxy ? await follow(authorize) : authorize, { user })
  const code = new URL(isProxy ? await follow(url.href) : url).searchParams.get('code') ?? ''
  const first = await postToken({ grant_type: 'authorization_code', code, code_verifier: verifier, redirect_uri })
  const next = await postToken({ grant_type: 'refresh_token', refresh_token: first.refresh_token ?? '' })
  const bytes = code.length
  const { access_token } = next
  const error = first.error ?? next.error ?? 'no access token'
  if (access_token === undefined) return { verdict: { kind: 'failed', error }, bytes }
  const isTheirs = JSON.stringify(decodeJwt(access_token)).includes(`"${user}@`)
  return { verdict: isTheirs ? { kind: 'correct' } : { kind: 'wrong', reason: 'is another user’s token' }, bytes }
}
