/**
 * What the OAuth proxy adds to a sign-in: `npm run build && npx tsx load/sign-in-cost.ts`.
 *
 * Runs the bundled server and the emulated tenant as processes of their own, and takes SIGN_INS sign-ins (600) through
 * each step, CONCURRENCY (16) at a time, for ROUNDS (5) rounds. Prints for each step the server's own CPU a request (user and system, from /proc, so Linux only), requests
 * a second and the median latency; and beside the two steps that wait for Entra, what the same request costs when it
 * goes to the tenant directly. Medians over the rounds.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import { Agent, request } from 'undici'
import { type Emulator, startEmulator } from '../emulator/app.ts'
import { cpuUsOf, freePort } from './processes.ts'

const signInsPerRound = Number(process.env['SIGN_INS'] ?? 600)
const rounds = Number(process.env['ROUNDS'] ?? 5)
const concurrency = Number(process.env['CONCURRENCY'] ?? 16)
const redirectUri = 'http://127.0.0.1:33418/callback'
const sizes = { entra: 0, sealed: 0 }
const agent = new Agent({ connections: concurrency })

interface SignIn {
  readonly verifier: string
  cookie: string
  entraUrl: string
  callbackUrl: string
  code: string
  refreshToken: string
}
interface Cost {
  readonly cpuUs: number
  readonly perSecond: number
  readonly medianMs: number
}

/** The child's part: the tenant, in a process of its own. */
if (process.argv[2] === 'tenant') {
  const tenant = await startEmulator()
  process.stdout.write(`${JSON.stringify(describe(tenant))}\n`)
  process.once('SIGTERM', () => void tenant.close())
} else await main()

function describe({ origin, tenantId, api }: Emulator) {
  return { origin, tenantId, clientId: api.clientId, clientSecret: api.clientSecret }
}
type Tenant = ReturnType<typeof describe>

async function main(): Promise<void> {
  const tenantProcess = spawn(process.execPath, ['--import', 'tsx', import.meta.filename, 'tenant'])
  const tenant = JSON.parse(await firstLine(tenantProcess)) as Tenant
  const server = await startServer(tenant)
  const costs = new Map<string, Cost[]>()
  const note = (step: string, cost: Cost) => costs.set(step, [...(costs.get(step) ?? []), cost])

  for (let round = 0; round <= rounds; round++) {
    const signIns = Array.from({ length: signInsPerRound }, () => emptySignIn())
    const measured = {
      'GET /authorize': await measure(server, signIns, (one) => authorize(server.origin, tenant, one)),
      'GET /oauth/callback': await measure(
        server,
        signIns,
        (one) => callback(one),
        (one) => signInAtEntra(one),
      ),
      'POST /token, code': await measure(server, signIns, (one) => redeem(server.origin, tenant, one)),
      'POST /token, refresh': await measure(server, signIns, (one) => refresh(server.origin, tenant, one)),
    }
    const direct = Array.from({ length: signInsPerRound }, () => emptySignIn())
    const straight = {
      'Entra alone, code': await measure(
        server,
        direct,
        (one) => redeemAtEntra(tenant, one),
        async (one) => {
          one.entraUrl = entraAuthorizeUrl(tenant, one)
          await signInAtEntra(one)
        },
      ),
      'Entra alone, refresh': await measure(server, direct, (one) => refreshAtEntra(tenant, one)),
    }
    // The first round warms all processes up.
    if (round > 0) for (const [step, cost] of Object.entries({ ...measured, ...straight })) note(step, cost)
    process.stderr.write(`round ${round} of ${rounds}\n`)
  }

  process.stdout.write(`a code of ${sizes.sealed} characters for one of Entra's of ${sizes.entra}\n`)
  process.stdout.write('step                      CPU a request   requests/s   p50\n')
  for (const [step, all] of costs) {
    const cpu = step.startsWith('Entra') ? '-' : `${Math.round(median(all.map(({ cpuUs }) => cpuUs)))} µs`
    const perSecond = String(Math.round(median(all.map((one) => one.perSecond))))
    const p50 = median(all.map(({ medianMs }) => medianMs)).toFixed(1)
    process.stdout.write(`${step.padEnd(25)} ${cpu.padStart(13)} ${perSecond.padStart(12)} ${p50.padStart(5)} ms\n`)
  }
  server.child.kill('SIGTERM')
  tenantProcess.kill('SIGTERM')
  await agent.close()
}

function emptySignIn(): SignIn {
  const verifier = randomBytes(32).toString('base64url')
  return { verifier, cookie: '', entraUrl: '', callbackUrl: '', code: '', refreshToken: '' }
}

async function authorize(origin: string, { clientId }: Tenant, one: SignIn): Promise<void> {
  const query = new URLSearchParams({
    client_id: clientId,
    redirect_uri: redirectUri,
    response_type: 'code',
    state: 'a state of usual length 0123456789',
    scope: 'access_as_user',
    code_challenge: challengeOf(one.verifier),
    code_challenge_method: 'S256',
    resource: `${origin}/mcp`,
  })
  const { headers, body } = await request(`${origin}/authorize?${query}`, { dispatcher: agent })
  await body.dump()
  one.cookie = String(headers['set-cookie']).split(';')[0] ?? ''
  one.entraUrl = String(headers['location'])
}

async function signInAtEntra(one: SignIn): Promise<void> {
  const { signIn } = await import('../emulator/sign-in.ts')
  const { url } = await signIn(one.entraUrl, { user: 'rowan' })
  one.callbackUrl = url.href
  one.code = url.searchParams.get('code') ?? ''
}

async function callback(one: SignIn): Promise<void> {
  const { headers, body } = await request(one.callbackUrl, { dispatcher: agent, headers: { cookie: one.cookie } })
  await body.dump()
  sizes.entra = one.code.length
  one.code = new URL(String(headers['location'])).searchParams.get('code') ?? ''
  sizes.sealed = one.code.length
}

async function redeem(origin: string, { clientId }: Tenant, one: SignIn): Promise<void> {
  const grant = { grant_type: 'authorization_code', code: one.code, redirect_uri: redirectUri, client_id: clientId }
  one.refreshToken = await postForTokens(`${origin}/token`, { ...grant, code_verifier: one.verifier })
}

async function refresh(origin: string, { clientId }: Tenant, one: SignIn): Promise<void> {
  const grant = { grant_type: 'refresh_token', refresh_token: one.refreshToken, client_id: clientId }
  one.refreshToken = await postForTokens(`${origin}/token`, grant)
}

function entraAuthorizeUrl({ origin, tenantId, clientId }: Tenant, { verifier }: SignIn): string {
  const query = new URLSearchParams({
    client_id: clientId,
    redirect_uri: 'http://127.0.0.1/oauth/callback',
    response_type: 'code',
    scope: `${clientId}/access_as_user openid profile offline_access`,
    code_challenge: challengeOf(verifier),
    code_challenge_method: 'S256',
  })
  return `${origin}/${tenantId}/oauth2/v2.0/authorize?${query}`
}

async function redeemAtEntra(tenant: Tenant, one: SignIn): Promise<void> {
  one.refreshToken = await postForTokens(entraTokenUrl(tenant), {
    grant_type: 'authorization_code',
    code: one.code,
    redirect_uri: 'http://127.0.0.1/oauth/callback',
    code_verifier: one.verifier,
    ...entraClient(tenant),
  })
}

async function refreshAtEntra(tenant: Tenant, one: SignIn): Promise<void> {
  const grant = { grant_type: 'refresh_token', refresh_token: one.refreshToken }
  one.refreshToken = await postForTokens(entraTokenUrl(tenant), { ...grant, ...entraClient(tenant) })
}

function entraTokenUrl({ origin, tenantId }: Tenant): string {
  return `${origin}/${tenantId}/oauth2/v2.0/token`
}

function entraClient({ clientId, clientSecret }: Tenant) {
  const scope = `${clientId}/access_as_user openid profile offline_access`
  return { client_id: clientId, client_secret: clientSecret, scope }
}

async function postForTokens(url: string, form: Record<string, string>): Promise<string> {
  const { statusCode, body } = await request(url, {
    dispatcher: agent,
    method: 'POST',
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    body: new URLSearchParams(form).toString(),
  })
  const answer = (await body.json()) as { refresh_token?: string; error_description?: string }
  if (statusCode !== 200) throw new Error(`${url} answered ${statusCode}: ${answer.error_description}`)
  return answer.refresh_token ?? ''
}

/** Takes every sign-in through one step and measures that step alone. */
async function measure(
  { pid }: { pid: number },
  signIns: readonly SignIn[],
  step: (one: SignIn) => Promise<void>,
  prepare: (one: SignIn) => Promise<void> = async () => {},
): Promise<Cost> {
  await forAll(signIns, prepare)
  const latencies: number[] = []
  const cpuBefore = cpuUsOf(pid)
  const began = performance.now()
  await forAll(signIns, async (one) => {
    const start = performance.now()
    await step(one)
    latencies.push(performance.now() - start)
  })
  const seconds = (performance.now() - began) / 1000
  return {
    cpuUs: (cpuUsOf(pid) - cpuBefore) / signIns.length,
    perSecond: signIns.length / seconds,
    medianMs: median(latencies),
  }
}

async function forAll<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  const queue = [...items]
  await Promise.all(
    Array.from({ length: concurrency }, async () => {
      for (let next = queue.pop(); next !== undefined; next = queue.pop()) await work(next)
    }),
  )
}

async function startServer(tenant: Tenant): Promise<{ origin: string; pid: number; child: ChildProcess }> {
  const port = await freePort()
  const origin = `http://127.0.0.1:${port}`
  const child = spawn(process.execPath, ['dist/server.js'], {
    stdio: ['ignore', 'ignore', 'inherit'],
    env: {
      PORT: String(port),
      HOST: '127.0.0.1',
      PUBLIC_BASE_URL: origin,
      GRAPH_TENANT_ID: tenant.tenantId,
      GRAPH_CLIENT_ID: tenant.clientId,
      GRAPH_CLIENT_SECRET: tenant.clientSecret,
      ENTRA_AUTHORITY_HOST: tenant.origin,
      GRAPH_BASE_URL: `${tenant.origin}/v1.0`,
      MCP_OAUTH_SEAL_KEY: randomBytes(32).toString('base64'),
      RATE_LIMIT_MAX: '999999999',
    },
  })
  while (
    !(await fetch(`${origin}/readyz`).then(
      ({ ok }) => ok,
      () => false,
    ))
  )
    await pause(20)
  return { origin, pid: Number(child.pid), child }
}

async function firstLine({ stdout }: ChildProcess): Promise<string> {
  let text = ''
  for await (const chunk of stdout ?? []) {
    text += chunk
    if (text.includes('\n')) break
  }
  return text
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}

function challengeOf(verifier: string): string {
  return createHash('sha256').update(verifier).digest('base64url')
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0
}
