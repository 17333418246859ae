/**
 * What the OAuth proxy adds to a sign-in: `npm run build && npx tsx load/sign-in-cost.ts`.
 *
 * Takes SIGN_INS sign-ins (600) through each step, CONCURRENCY (16) at a time, for ROUNDS (5) rounds after one that
 * warms up. Prints for each step the server's CPU time a request (from /proc, Linux only), requests a second and the
 * median latency, medians of the rounds; and beside the steps that wait for Entra, the same request sent to Entra.
 */
import { createHash, randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Agent, request } from 'undici'
import { signIn } from '../emulator/sign-in.ts'
import { format, median } from './numbers.ts'
import { cpuUsOf } from './processes.ts'
import { findBundle, serverEnv, startServer } from './servers.ts'
import { startTenant } from './tenant.ts'

const { SIGN_INS = '600', CONCURRENCY = '16', ROUNDS = '5' } = process.env
const folder = mkdtempSync(join(tmpdir(), 'sign-in-cost-'))
const tenant = await startTenant(folder)
const env = { ...serverEnv, ...tenant.env }
const server = await startServer({ folder, bundle: await findBundle(), env })
const agent = new Agent({ connections: Number(CONCURRENCY) })
const { origin } = new URL(server.url)
const entra = `${env['ENTRA_AUTHORITY_HOST']}/${env['GRAPH_TENANT_ID']}/oauth2/v2.0`
const client_id = env['GRAPH_CLIENT_ID'] ?? ''

/** Where to sign in, and as which client: at the proxy as an MCP client does, at Entra as the proxy does. */
const proxy = {
  endpoints: origin,
  redirect_uri: 'http://127.0.0.1:33418/callback',
  client: { client_id, scope: 'access_as_user', resource: server.url },
}
const direct = {
  endpoints: entra,
  redirect_uri: 'http://127.0.0.1/oauth/callback',
  client: {
    client_id,
    client_secret: env['GRAPH_CLIENT_SECRET'] ?? '',
    scope: `${client_id}/access_as_user openid profile offline_access`,
  },
}
type Server = typeof proxy | typeof direct

interface SignIn {
  readonly verifier: string
  cookie: string
  url: string
  code: string
  refreshToken: string
}
type Step = (one: SignIn) => Promise<void>

const costs = new Map<string, { cpuUs: number; perSecond: number; ms: number }[]>()
for (let round = 0; round <= Number(ROUNDS); round++) {
  if (round === 1) costs.clear()
  const proxied = createSignIns()
  for (const one of proxied) one.url = authorizeUrl(proxy, one)
  await measure('GET /authorize', proxied, follow)
  await forAll(proxied, signInAtEntra)
  await measure('GET /oauth/callback', proxied, follow)
  for (const one of proxied) one.code = new URL(one.url).searchParams.get('code') ?? ''
  await measure('POST /token, code', proxied, (one) => redeem(proxy, one))
  await measure('POST /token, refresh', proxied, (one) => refresh(proxy, one))
  const straight = createSignIns()
  for (const one of straight) one.url = authorizeUrl(direct, one)
  await forAll(straight, signInAtEntra)
  await measure('Entra alone, code', straight, (one) => redeem(direct, one))
  await measure('Entra alone, refresh', straight, (one) => refresh(direct, one))
  const [size, entraSize] = [proxied, straight].map(([one]) => one?.code.length)
  console.error(`round ${round} of ${ROUNDS}: a code has ${size} characters, one of Entra’s ${entraSize}`)
}
for (const [name, rounds] of costs) {
  const cpu = `${format(median(rounds.map(({ cpuUs }) => cpuUs)))} µs of CPU, `
  const rate = `${format(median(rounds.map(({ perSecond }) => perSecond)))} a second, `
  console.log(`${name}: ${name.startsWith('Entra') ? '' : cpu}${rate}${format(median(rounds.map(({ ms }) => ms)))} ms`)
}
await Promise.all([agent.close(), server.process.stop(), tenant.process.stop()])
rmSync(folder, { recursive: true })

function createSignIns(): SignIn[] {
  const fields = { cookie: '', url: '', code: '', refreshToken: '' }
  return Array.from({ length: Number(SIGN_INS) }, () => ({
    ...fields,
    verifier: randomBytes(32).toString('base64url'),
  }))
}

function authorizeUrl({ endpoints, redirect_uri, client }: Server, { verifier }: SignIn): string {
  const code_challenge = createHash('sha256').update(verifier).digest('base64url')
  const { client_secret: _, ...parameters } = { client_secret: '', ...client }
  const pkce = { code_challenge, code_challenge_method: 'S256', state: 'a state of usual length 0123456789' }
  return `${endpoints}/authorize?${new URLSearchParams({ ...parameters, ...pkce, redirect_uri, response_type: 'code' })}`
}

/** Goes where a redirect leads, as a browser with one cookie. */
async function follow(one: SignIn): Promise<void> {
  const { headers, body } = await request(one.url, { dispatcher: agent, headers: { cookie: one.cookie } })
  await body.dump()
  one.cookie = String(headers['set-cookie'] ?? '').split(';')[0] ?? ''
  one.url = String(headers['location'])
}

async function signInAtEntra(one: SignIn): Promise<void> {
  const { url } = await signIn(one.url, { user: 'rowan' })
  one.url = url.href
  one.code = url.searchParams.get('code') ?? ''
}

function redeem(at: Server, one: SignIn): Promise<void> {
  const { code, verifier: code_verifier } = one
  return postToken(at, one, { grant_type: 'authorization_code', code, code_verifier, redirect_uri: at.redirect_uri })
}

function refresh(at: Server, one: SignIn): Promise<void> {
  return postToken(at, one, { grant_type: 'refresh_token', refresh_token: one.refreshToken })
}

async function postToken({ endpoints, client }: Server, one: SignIn, grant: Record<string, string>): Promise<void> {
  const { statusCode, body } = await request(`${endpoints}/token`, {
    dispatcher: agent,
    method: 'POST',
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    body: new URLSearchParams({ ...client, ...grant }).toString(),
  })
  const json = (await body.json()) as { refresh_token?: string; error?: string }
  if (statusCode !== 200) throw new Error(`${endpoints}/token: HTTP ${statusCode}, ${json.error}`)
  one.refreshToken = json.refresh_token ?? ''
}

async function measure(name: string, signIns: readonly SignIn[], step: Step): Promise<void> {
  const latencies: number[] = []
  const cpuBefore = cpuUsOf(server.process.pid)
  const startMs = performance.now()
  await forAll(signIns, async (one) => {
    const sentMs = performance.now()
    await step(one)
    latencies.push(performance.now() - sentMs)
  })
  const perSecond = signIns.length / ((performance.now() - startMs) / 1_000)
  const cpuUs = (cpuUsOf(server.process.pid) - cpuBefore) / signIns.length
  costs.set(name, [...(costs.get(name) ?? []), { cpuUs, perSecond, ms: median(latencies) }])
}

async function forAll(signIns: readonly SignIn[], step: Step): Promise<void> {
  const queue = [...signIns]
  const work = async () => {
    for (let next = queue.pop(); next !== undefined; next = queue.pop()) await step(next)
  }
  await Promise.all(Array.from({ length: Number(CONCURRENCY) }, work))
}
